/* SPDX-License-Identifier: Apache-2.0 */
/* Model: a loaded program with the numbers that users' samples are scaled by. */
#include "module.h"

static int load(Model *model, const char *bytes, Py_ssize_t size)
{
    const engine_family_t *const family = choose_family();
    if (family == NULL) {
        return 0;
    }
    size_t needed;
    const char *problem = engine_check((const uint8_t *)bytes, (size_t)size, &needed);
    if (problem == NULL) {
        void *const memory = new_memory(needed, &model->memory);
        if (memory == NULL) {
            return 0;
        }
        problem = engine_load((const uint8_t *)bytes, (size_t)size, family, memory, needed, &model->engine);
    }
    if (problem != NULL) {
        PyErr_SetString(PyExc_ValueError, problem);
        return 0;
    }
    model->features = (npy_intp)model->engine->tensors[0].size;
    model->outputs = (npy_intp)model->engine->tensors[model->engine->y].size;
    return 1;
}

/* Takes a vector of float32, as long as the others of its side. */
static int take_floats(PyObject *floats, npy_intp count, float *to)
{
    PyObject *const array = PyArray_FROM_OTF(floats, NPY_FLOAT32, NPY_ARRAY_IN_ARRAY);
    if (array == NULL) {
        return 0;
    }
    const int fits = PyArray_SIZE((PyArrayObject *)array) == count;
    if (fits) {
        memcpy(to, PyArray_DATA((PyArrayObject *)array), (size_t)count * sizeof *to);
    } else {
        PyErr_SetString(PyExc_ValueError, "mean, factor, target_std or target_mean does not fit the program");
    }
    Py_DECREF(array);
    return fits;
}

static PyObject *model_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    const char *bytes;
    Py_ssize_t size;
    PyObject *mean, *factor, *target_std, *target_mean;
    float scale;
    static char *names[] = {"program", "mean", "factor", "scale", "target_std", "target_mean", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "y#OOfOO:Model", names, &bytes, &size, &mean, &factor, &scale,
                                     &target_std, &target_mean)) {
        return NULL;
    }
    Model *const model = (Model *)type->tp_alloc(type, 0);
    if (model == NULL || !load(model, bytes, size)) {
        Py_XDECREF(model);
        return NULL;
    }
    const npy_intp features = model->features, outputs = model->outputs;
    model->scale = scale;
    model->mean = PyMem_RawMalloc(2u * (size_t)(features + outputs) * sizeof(float));
    if (model->mean == NULL) {
        Py_DECREF(model);
        return PyErr_NoMemory();
    }
    model->factor = model->mean + features;
    model->target_std = model->factor + features;
    model->target_mean = model->target_std + outputs;
    if (!take_floats(mean, features, model->mean) || !take_floats(factor, features, model->factor) ||
        !take_floats(target_std, outputs, model->target_std) ||
        !take_floats(target_mean, outputs, model->target_mean)) {
        Py_DECREF(model);
        return NULL;
    }
    return (PyObject *)model;
}

static void model_dealloc(Model *model)
{
    PyMem_RawFree(model->memory);
    PyMem_RawFree(model->mean);
    Py_TYPE(model)->tp_free((PyObject *)model);
}

/* Puts an integer vector in the place of a tensor. */
static int put_tensor(const Model *model, uint32_t number, PyObject *object, uint8_t *values)
{
    const engine_tensor_t *const tensor = &model->engine->tensors[number];
    const int type = type_of(tensor), limit = number == 0u ? model->engine->x_limit : -INT16_MIN;
    const npy_intp size = (npy_intp)tensor->size;
    if (!has_form(object, type, 1, size)) {
        PyErr_SetString(PyExc_ValueError, "an input has not the form of its tensor");
        return 0;
    }
    const char *const items = PyArray_BYTES((PyArrayObject *)object);
    if (!copy_within(values + tensor->offset, items, tensor->bytes, size, tensor->bytes, limit)) {
        PyErr_SetString(PyExc_ValueError, OUT_OF_RANGE);
        return 0;
    }
    return 1;
}

static PyObject *results(const Model *model, PyObject *wanted, const uint8_t *values)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(wanted);
    PyObject *const found = PyTuple_New(count);
    for (Py_ssize_t i = 0; found != NULL && i < count; ++i) {
        const size_t number = PyLong_AsSize_t(PyTuple_GET_ITEM(wanted, i));
        if (PyErr_Occurred() == NULL && number >= model->engine->tensor_count) {
            PyErr_SetString(PyExc_ValueError, "there is no tensor of that number");
        }
        PyObject *const array = PyErr_Occurred() != NULL ? NULL : array_of(&model->engine->tensors[number], values);
        if (array == NULL) {
            Py_DECREF(found);
            return NULL;
        }
        PyTuple_SET_ITEM(found, i, array);
    }
    return found;
}

static PyObject *model_compute(Model *model, PyObject *args)
{
    PyObject *inputs, *wanted;
    if (!PyArg_ParseTuple(args, "O!O!:compute", &PyTuple_Type, &inputs, &PyTuple_Type, &wanted)) {
        return NULL;
    }
    const uint32_t count = model->engine->state_count + 1u;
    if (PyTuple_GET_SIZE(inputs) != (Py_ssize_t)count) {
        PyErr_SetString(PyExc_ValueError, "a program takes x and its states");
        return NULL;
    }
    void *memory;
    uint8_t *const values = new_values(model, 1, &memory);
    int fits = values != NULL;
    for (uint32_t i = 0; fits && i < count; ++i) {
        fits = put_tensor(model, i, PyTuple_GET_ITEM(inputs, (Py_ssize_t)i), values);
    }
    PyObject *found = NULL;
    if (fits) {
        engine_step(model->engine, values, 1);
        found = results(model, wanted, values);
    }
    PyMem_RawFree(memory);
    return found;
}

static PyObject *model_run(Model *model, PyObject *operands)
{
    void *memory, *values_memory = NULL;
    PyObject *y = NULL;
    const uint8_t *const x = take_operands(model, operands, 3, &memory);
    uint8_t *const values = x != NULL ? new_values(model, ENGINE_BATCH, &values_memory) : NULL;
    if (values != NULL && (y = new_results(model, operands)) != NULL) {
        const size_t windows = (size_t)PyArray_DIM((PyArrayObject *)y, 0);
        const size_t steps = (size_t)PyArray_DIM((PyArrayObject *)y, 1);
        uint8_t *const to = PyArray_DATA((PyArrayObject *)y);
        Py_BEGIN_ALLOW_THREADS
        engine_run_windows(model->engine, values, windows, x, steps, to);
        Py_END_ALLOW_THREADS
    }
    PyMem_RawFree(values_memory);
    PyMem_RawFree(memory);
    return y;
}

static PyMethodDef model_methods[] = {
    METHOD("compute", model_compute, METH_VARARGS),
    METHOD("run", model_run, METH_O),
    {NULL, NULL, 0, NULL},
};

PyTypeObject ModelType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "edgernn.native._engine.Model",
    .tp_basicsize = sizeof(Model),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = model_new,
    .tp_dealloc = (destructor)model_dealloc,
    .tp_methods = model_methods,
};
