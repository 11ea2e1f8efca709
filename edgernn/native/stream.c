/* SPDX-License-Identifier: Apache-2.0 */
/* Stream: a state that goes through a Model, or several that are stepped together; and samples as users give them. */
#include "module.h"

#include <float.h>
#include <math.h>

#if FLT_EVAL_METHOD != 0
#error "samples are scaled in exactly float32, as NumPy does: this processor's float arithmetic is wider"
#endif

/* From here on an integer is not exact as a double. */
#define EXACT_INTEGERS ((npy_int64)1 << 53)

typedef struct {
    PyObject_HEAD
    Model *model;
    void *memory;    /* the values are in it, aligned: those of `count` streams */
    uint8_t *values;
    npy_intp count;
    int running; /* without the interpreter's lock */
} Stream;

/* Samples and results, one value at a time: as IntegerModel.quantize_input and dequantize_output, the same float32. */

static void quantize(const Model *model, npy_intp feature, float sample, uint8_t *x)
{
    const float limit = model->engine->x_limit;
    const float q = (sample - model->mean[feature]) * model->factor[feature];
    const int16_t operand = (int16_t)lrintf(q >= -limit && q <= limit ? q : q < 0.0f ? -limit : limit);
    if (model->engine->tensors[0].bytes == 1u) {
        ((int8_t *)x)[feature] = (int8_t)operand;
    } else {
        ((int16_t *)(void *)x)[feature] = operand;
    }
}

static float dequantize(const Model *model, npy_intp output, float q)
{
    const float value = q * model->scale;
    return value * model->target_std[output] + model->target_mean[output];
}

/* Whether the value is finite in float32; then it is a feature of the sample. */
static int put(Stream *stream, npy_intp feature, double value)
{
    if (!(value >= -(double)FLT_MAX && value <= (double)FLT_MAX)) {
        return 0;
    }
    quantize(stream->model, feature, (float)value, stream->values);
    return 1;
}

#define READ(type)                        \
    do {                                  \
        type read;                        \
        memcpy(&read, item, sizeof read); \
        *value = (double)read;            \
        return 1;                         \
    } while (0)

/* Reads an item of an array; 0 where the type has no place here, or a double does not hold the value. */
static int read_item(const char *item, int type, double *value)
{
    switch (type) {
    case NPY_FLOAT:
        READ(npy_float);
    case NPY_DOUBLE:
        READ(npy_double);
    case NPY_BYTE:
        READ(npy_byte);
    case NPY_UBYTE:
        READ(npy_ubyte);
    case NPY_SHORT:
        READ(npy_short);
    case NPY_USHORT:
        READ(npy_ushort);
    case NPY_INT:
        READ(npy_int);
    case NPY_UINT:
        READ(npy_uint);
    case NPY_INT64: {
        npy_int64 integer;
        memcpy(&integer, item, sizeof integer);
        *value = (double)integer;
        return integer >= -EXACT_INTEGERS && integer <= EXACT_INTEGERS;
    }
    default:
        return 0;
    }
}

static PyObject *stream_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    Model *model;
    Py_ssize_t count = 1;
    static char *names[] = {"model", "count", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!|n:Stream", names, &ModelType, &model, &count)) {
        return NULL;
    }
    if (count < 1) {
        PyErr_SetString(PyExc_ValueError, "there have to be streams");
        return NULL;
    }
    Stream *const stream = (Stream *)type->tp_alloc(type, 0);
    if (stream == NULL) {
        return NULL;
    }
    Py_INCREF(model);
    stream->model = model;
    stream->count = count;
    stream->values = new_values(model, count, &stream->memory);
    if (stream->values == NULL) {
        Py_DECREF(stream);
        return NULL;
    }
    return (PyObject *)stream;
}

static void stream_dealloc(Stream *stream)
{
    PyMem_RawFree(stream->memory);
    Py_XDECREF(stream->model);
    Py_TYPE(stream)->tp_free((PyObject *)stream);
}

static int is_free(const Stream *stream)
{
    if (stream->running) {
        PyErr_SetString(engine_error,
                        "this session is running in another thread: give each thread a session of its own");
    }
    return !stream->running;
}

static PyObject *stream_reset(Stream *stream, PyObject *args)
{
    Py_ssize_t number = -1;
    if (!PyArg_ParseTuple(args, "|n:reset", &number) || !is_free(stream)) {
        return NULL;
    }
    if (number >= stream->count) {
        PyErr_SetString(PyExc_ValueError, "there is no stream of that number");
        return NULL;
    }
    const npy_intp first = number < 0 ? 0 : number, end = number < 0 ? stream->count : number + 1;
    for (npy_intp i = first; i < end; ++i) {
        engine_reset(stream->model->engine, stream->values + (size_t)i * stream->model->engine->stride);
    }
    Py_RETURN_NONE;
}

/* Whether it is a vector as long as a sample, in the processor's order of bytes. */
static int is_sample(const Model *model, PyArrayObject *array)
{
    return PyArray_NDIM(array) == 1 && PyArray_DIM(array, 0) == model->features && !PyArray_ISBYTESWAPPED(array);
}

/* Whether an array of sensor values, of whatever type, now is the x among the stream's values. */
static int put_array(Stream *stream, PyArrayObject *array)
{
    if (!is_sample(stream->model, array)) {
        return 0;
    }
    const char *item = PyArray_BYTES(array);
    const npy_intp stride = PyArray_STRIDE(array, 0);
    const int type = PyArray_TYPE(array);
    for (npy_intp i = 0; i < stream->model->features; ++i, item += stride) {
        double value;
        if (!read_item(item, type, &value) || !put(stream, i, value)) {
            return 0;
        }
    }
    return 1;
}

/* The same of an array of operands. */
static int put_operands(Stream *stream, PyArrayObject *array)
{
    const Model *const model = stream->model;
    const engine_tensor_t *const input = &model->engine->tensors[0];
    return is_sample(model, array) && PyArray_TYPE(array) == type_of(input) &&
           copy_within(stream->values, PyArray_BYTES(array), PyArray_STRIDE(array, 0), model->features, input->bytes,
                       model->engine->x_limit);
}

/* Reads a Python or NumPy float, or an integer whose conversion is exact; 0 for anything else. */
static int read_number(PyObject *number, double *value)
{
    if (PyFloat_CheckExact(number) || PyArray_IsScalar(number, Double)) {
        *value = PyFloat_AS_DOUBLE(number);
        return 1;
    }
    if (!PyLong_CheckExact(number)) {
        return 0;
    }
    int overflow;
    const long long integer = PyLong_AsLongLongAndOverflow(number, &overflow);
    *value = (double)integer;
    return overflow == 0 && integer >= -EXACT_INTEGERS && integer <= EXACT_INTEGERS;
}

static int put_sequence(Stream *stream, PyObject *sequence)
{
    if (PySequence_Fast_GET_SIZE(sequence) != stream->model->features) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < stream->model->features; ++i) {
        double value;
        if (!read_number(PySequence_Fast_GET_ITEM(sequence, i), &value) || !put(stream, i, value)) {
            return 0;
        }
    }
    return 1;
}

static PyObject *real_output(const Model *model, const uint8_t *values)
{
    const engine_tensor_t *const output = &model->engine->tensors[model->engine->y];
    const uint8_t *const y = values + output->offset;
    npy_intp outputs = model->outputs;
    PyObject *const array = PyArray_SimpleNew(1, &outputs, NPY_FLOAT32);
    if (array != NULL) {
        float *const to = PyArray_DATA((PyArrayObject *)array);
        for (npy_intp i = 0; i < outputs; ++i) {
            const int q = output->bytes == 1u ? ((const int8_t *)y)[i] : ((const int16_t *)(const void *)y)[i];
            to[i] = dequantize(model, i, (float)q);
        }
    }
    return array;
}

static PyObject *integer_output(const Model *model, const uint8_t *values)
{
    return array_of(&model->engine->tensors[model->engine->y], values);
}

/* A step from the x that is among the values; without memory for the result, nothing has changed. */
static PyObject *step(Stream *stream, PyObject *(*output)(const Model *, const uint8_t *))
{
    const engine_t *const engine = stream->model->engine;
    engine_step(engine, stream->values, 1);
    PyObject *const y = output(stream->model, stream->values);
    if (y != NULL) {
        engine_advance(engine, stream->values, stream->values);
    }
    return y;
}

static PyObject *stream_step(Stream *stream, PyObject *sample)
{
    int fits = 0;
    if (!is_free(stream)) {
        return NULL;
    }
    if (PyArray_CheckExact(sample)) {
        fits = put_array(stream, (PyArrayObject *)sample);
    } else if (PyList_CheckExact(sample) || PyTuple_CheckExact(sample)) {
        fits = put_sequence(stream, sample);
    }
    if (!fits) {
        Py_RETURN_NONE;
    }
    return step(stream, real_output);
}

static PyObject *stream_step_operands(Stream *stream, PyObject *operands)
{
    if (!is_free(stream)) {
        return NULL;
    }
    if (!PyArray_CheckExact(operands) || !put_operands(stream, (PyArrayObject *)operands)) {
        Py_RETURN_NONE;
    }
    return step(stream, integer_output);
}

/* One stream, with its states in ENGINE_BATCH values of their own for as long as it takes. */
static void run_stream(Stream *stream, uint8_t *batch, const uint8_t *x, size_t steps, uint8_t *y)
{
    const engine_t *const engine = stream->model->engine;
    memcpy(batch + engine->state, stream->values + engine->state, engine->state_size);
    engine_run_alone(engine, batch, x, steps, y);
    memcpy(stream->values + engine->state, batch + engine->state, engine->state_size);
}

static PyObject *run_one(Stream *stream, PyObject *operands)
{
    void *memory, *batch_memory = NULL;
    PyObject *y = NULL;
    const uint8_t *const x = take_operands(stream->model, operands, 2, &memory);
    uint8_t *const batch = x != NULL ? new_values(stream->model, ENGINE_BATCH, &batch_memory) : NULL;
    if (batch != NULL && (y = new_results(stream->model, operands)) != NULL) {
        const size_t steps = (size_t)PyArray_DIM((PyArrayObject *)y, 0);
        uint8_t *const to = PyArray_DATA((PyArrayObject *)y);
        stream->running = 1;
        Py_BEGIN_ALLOW_THREADS
        run_stream(stream, batch, x, steps, to);
        Py_END_ALLOW_THREADS
        stream->running = 0;
    }
    PyMem_RawFree(batch_memory);
    PyMem_RawFree(memory);
    return y;
}

static PyObject *run_all(Stream *stream, PyObject *operands)
{
    void *memory;
    PyObject *y = NULL;
    const uint8_t *const x = take_operands(stream->model, operands, 3, &memory);
    if (x != NULL && PyArray_DIM((PyArrayObject *)operands, 0) != stream->count) {
        PyErr_SetString(PyExc_ValueError, "the operands of a run are not as many as the streams");
    } else if (x != NULL && (y = new_results(stream->model, operands)) != NULL) {
        const size_t steps = (size_t)PyArray_DIM((PyArrayObject *)y, 1);
        uint8_t *const to = PyArray_DATA((PyArrayObject *)y);
        stream->running = 1;
        Py_BEGIN_ALLOW_THREADS
        engine_run_together(stream->model->engine, stream->values, (size_t)stream->count, x, steps, to);
        Py_END_ALLOW_THREADS
        stream->running = 0;
    }
    PyMem_RawFree(memory);
    return y;
}

static PyObject *stream_run(Stream *stream, PyObject *operands)
{
    if (!is_free(stream)) {
        return NULL;
    }
    const int is_one = PyArray_CheckExact(operands) && PyArray_NDIM((PyArrayObject *)operands) == 2;
    return is_one && stream->count == 1 ? run_one(stream, operands) : run_all(stream, operands);
}

static PyObject *stream_states(Stream *stream, PyObject *Py_UNUSED(nothing))
{
    const engine_t *const engine = stream->model->engine;
    if (!is_free(stream)) {
        return NULL;
    }
    PyObject *const states = PyTuple_New((Py_ssize_t)engine->state_count);
    for (uint32_t i = 0; states != NULL && i < engine->state_count; ++i) {
        PyObject *const state = array_of(&engine->tensors[1u + i], stream->values);
        if (state == NULL) {
            Py_DECREF(states);
            return NULL;
        }
        PyTuple_SET_ITEM(states, (Py_ssize_t)i, state);
    }
    return states;
}

static PyMethodDef stream_methods[] = {
    METHOD("reset", stream_reset, METH_VARARGS),
    METHOD("step", stream_step, METH_O),
    METHOD("step_operands", stream_step_operands, METH_O),
    METHOD("run", stream_run, METH_O),
    METHOD("states", stream_states, METH_NOARGS),
    {NULL, NULL, 0, NULL},
};

PyTypeObject StreamType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "edgernn.native._engine.Stream",
    .tp_basicsize = sizeof(Stream),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = stream_new,
    .tp_dealloc = (destructor)stream_dealloc,
    .tp_methods = stream_methods,
};
