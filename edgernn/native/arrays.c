/* SPDX-License-Identifier: Apache-2.0 */
/* NumPy's arrays and the engine's memory. */
#include "module.h"

int type_of(const engine_tensor_t *tensor)
{
    return tensor->bytes == 1u ? NPY_INT8 : NPY_INT16;
}

int copy_within(uint8_t *to, const char *items, npy_intp stride, npy_intp count, size_t bytes, int limit)
{
    for (npy_intp i = 0; i < count; ++i, items += stride, to += bytes) {
        int16_t value = *(const signed char *)items;
        if (bytes > 1u) {
            memcpy(&value, items, sizeof value);
        }
        if (value > limit || value < -limit) {
            return 0;
        }
        memcpy(to, items, bytes);
    }
    return 1;
}

size_t bytes_of(const engine_tensor_t *tensor)
{
    return tensor->size * tensor->bytes;
}

PyObject *array_of(const engine_tensor_t *tensor, const uint8_t *values)
{
    npy_intp size = (npy_intp)tensor->size;
    PyObject *const array = PyArray_SimpleNew(1, &size, type_of(tensor));
    if (array != NULL) {
        memcpy(PyArray_BYTES((PyArrayObject *)array), values + tensor->offset, bytes_of(tensor));
    }
    return array;
}

int has_form(PyObject *object, int type, int dimensions, npy_intp length)
{
    if (!PyArray_CheckExact(object)) {
        return 0;
    }
    PyArrayObject *const array = (PyArrayObject *)object;
    return PyArray_TYPE(array) == type && PyArray_NDIM(array) == dimensions && PyArray_ISCARRAY_RO(array) &&
           PyArray_DIM(array, dimensions - 1) == length;
}

uint8_t *new_memory(size_t size, void **memory)
{
    *memory = PyMem_RawCalloc(size + ENGINE_ALIGNMENT, 1);
    if (*memory == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    return (uint8_t *)*memory + (ENGINE_ALIGNMENT - (uintptr_t)*memory % ENGINE_ALIGNMENT);
}

uint8_t *new_values(const Model *model, npy_intp count, void **memory)
{
    const size_t stride = model->engine->stride;
    if ((size_t)count > (PY_SSIZE_T_MAX - ENGINE_ALIGNMENT) / stride) {
        *memory = NULL;
        PyErr_NoMemory();
        return NULL;
    }
    return new_memory((size_t)count * stride, memory);
}

const uint8_t *take_operands(const Model *model, PyObject *operands, int dimensions, void **memory)
{
    const engine_tensor_t *const input = &model->engine->tensors[0];
    *memory = NULL;
    if (!has_form(operands, type_of(input), dimensions, model->features)) {
        PyErr_SetString(PyExc_ValueError, "the operands of a run have another form than the program's x");
        return NULL;
    }
    const npy_intp count = PyArray_SIZE((PyArrayObject *)operands);
    *memory = PyMem_RawMalloc((size_t)count * input->bytes);
    if (*memory == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    const char *const items = PyArray_BYTES((PyArrayObject *)operands);
    if (!copy_within(*memory, items, input->bytes, count, input->bytes, model->engine->x_limit)) {
        PyErr_SetString(PyExc_ValueError, OUT_OF_RANGE);
        return NULL;
    }
    return *memory;
}

PyObject *new_results(const Model *model, PyObject *operands)
{
    PyArrayObject *const array = (PyArrayObject *)operands;
    const int dimensions = PyArray_NDIM(array);
    npy_intp shape[3] = {0};
    for (int i = 0; i < dimensions - 1; ++i) {
        shape[i] = PyArray_DIM(array, i);
    }
    shape[dimensions - 1] = model->outputs;
    return PyArray_SimpleNew(dimensions, shape, type_of(&model->engine->tensors[model->engine->y]));
}
