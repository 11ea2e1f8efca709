/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extension module `_engine` (its interface for Python: _engine.pyi): a Model is a loaded program with the numbers
 * that users' samples are scaled by, a Stream is a state that goes through it.
 */
#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_1_25_API_VERSION
#define NPY_TARGET_VERSION NPY_1_25_API_VERSION
#include <Python.h>
#include <float.h>
#include <math.h>
#include <numpy/arrayobject.h>

#include "engine.h"

#if FLT_EVAL_METHOD != 0
#error "samples are scaled in exactly float32, as NumPy does: this processor's float arithmetic is wider"
#endif

#define OUT_OF_RANGE "an operand is out of range"

/* From here on an integer is not exact as a double. */
#define EXACT_INTEGERS ((npy_int64)1 << 53)

typedef struct {
    PyObject_HEAD
    void *memory;
    const engine_t *engine;
    npy_intp features, outputs;
    float *mean, *factor, *target_std, *target_mean; /* in one piece of memory, which begins at mean */
    float scale;
} Model;

typedef struct {
    PyObject_HEAD
    Model *model;
    int16_t *values;
    int running; /* without the interpreter's lock */
} Stream;

static PyObject *engine_error;
static PyTypeObject ModelType, StreamType;

/* Samples and results, one value at a time: as IntegerModel.quantize_input and dequantize_output, the same float32. */

static int16_t quantize(const Model *model, npy_intp feature, float sample)
{
    const float limit = model->engine->x_limit;
    const float q = (sample - model->mean[feature]) * model->factor[feature];
    return (int16_t)rintf(q >= -limit && q <= limit ? q : q < 0.0f ? -limit : limit);
}

static float dequantize(const Model *model, npy_intp output, int16_t q)
{
    const float value = (float)q * model->scale;
    return value * model->target_std[output] + model->target_mean[output];
}

/* Whether the value is finite in float32; then it is a feature of the sample. */
static int put(Stream *stream, npy_intp feature, double value)
{
    if (!(value >= -(double)FLT_MAX && value <= (double)FLT_MAX)) {
        return 0;
    }
    stream->values[feature] = quantize(stream->model, feature, (float)value);
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

static int type_of(const engine_tensor_t *tensor)
{
    return tensor->bytes == 1u ? NPY_INT8 : NPY_INT16;
}

/* Copies `count` integers of a type to values; 0 where one of them passes the limit. */
static int widen(int16_t *values, const char *items, npy_intp stride, npy_intp count, int type, int limit)
{
    for (npy_intp i = 0; i < count; ++i, items += stride) {
        int16_t value;
        if (type == NPY_INT8) {
            value = *(const signed char *)items;
        } else {
            memcpy(&value, items, sizeof value);
        }
        if (value > limit || value < -limit) {
            return 0;
        }
        values[i] = value;
    }
    return 1;
}

static void narrow(char *items, const int16_t *values, npy_intp count, int type)
{
    if (type == NPY_INT16) {
        memcpy(items, values, (size_t)count * sizeof *values);
        return;
    }
    for (npy_intp i = 0; i < count; ++i) {
        items[i] = (char)values[i];
    }
}

static PyObject *array_of(const engine_tensor_t *tensor, const int16_t *values)
{
    npy_intp size = (npy_intp)tensor->size;
    PyObject *const array = PyArray_SimpleNew(1, &size, type_of(tensor));
    if (array != NULL) {
        narrow(PyArray_BYTES((PyArrayObject *)array), values + tensor->offset, size, type_of(tensor));
    }
    return array;
}

/* Model */

static int load(Model *model, const char *bytes, Py_ssize_t size)
{
    size_t needed;
    const char *problem = engine_check((const uint8_t *)bytes, (size_t)size, &needed);
    if (problem == NULL) {
        model->memory = PyMem_RawMalloc(needed);
        if (model->memory == NULL) {
            PyErr_NoMemory();
            return 0;
        }
        problem = engine_load((const uint8_t *)bytes, (size_t)size, model->memory, needed, &model->engine);
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

/* Values of a stream with states of zero, from PyMem_RawMalloc. */
static int16_t *new_values(const Model *model)
{
    int16_t *const values = PyMem_RawCalloc(model->engine->value_count, sizeof *values);
    if (values == NULL) {
        PyErr_NoMemory();
    }
    return values;
}

/* Whether an array has that type and number of dimensions, the last one of that length, and lies in one piece. */
static int has_form(PyObject *object, int type, int dimensions, npy_intp length)
{
    if (!PyArray_CheckExact(object)) {
        return 0;
    }
    PyArrayObject *const array = (PyArrayObject *)object;
    return PyArray_TYPE(array) == type && PyArray_NDIM(array) == dimensions && PyArray_ISCARRAY_RO(array) &&
           PyArray_DIM(array, dimensions - 1) == length;
}

/* Puts an integer vector in the place of a tensor. */
static int put_tensor(const Model *model, uint32_t number, PyObject *object, int16_t *values)
{
    const engine_tensor_t *const tensor = &model->engine->tensors[number];
    const int type = type_of(tensor), limit = number == 0u ? model->engine->x_limit : -INT16_MIN;
    const npy_intp size = (npy_intp)tensor->size;
    if (!has_form(object, type, 1, size)) {
        PyErr_SetString(PyExc_ValueError, "an input has not the form of its tensor");
        return 0;
    }
    const char *const items = PyArray_BYTES((PyArrayObject *)object);
    if (!widen(values + tensor->offset, items, PyArray_ITEMSIZE((PyArrayObject *)object), size, type, limit)) {
        PyErr_SetString(PyExc_ValueError, OUT_OF_RANGE);
        return 0;
    }
    return 1;
}

static PyObject *results(const Model *model, PyObject *wanted, const int16_t *values)
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
    int16_t *const values = new_values(model);
    int fits = values != NULL;
    for (uint32_t i = 0; fits && i < count; ++i) {
        fits = put_tensor(model, i, PyTuple_GET_ITEM(inputs, (Py_ssize_t)i), values);
    }
    PyObject *found = NULL;
    if (fits) {
        engine_step(model->engine, values);
        found = results(model, wanted, values);
    }
    PyMem_RawFree(values);
    return found;
}

/* Steps through operands [windows, steps, F], each window from a state of zero where `reset` says so. */
static void run_windows(const Model *model, int16_t *values, const int16_t *x, npy_intp windows, npy_intp steps,
                        int reset, char *y)
{
    const engine_t *const engine = model->engine;
    const engine_tensor_t *const output = &engine->tensors[engine->y];
    for (npy_intp window = 0; window < windows; ++window) {
        if (reset) {
            engine_reset(engine, values);
        }
        for (npy_intp step = 0; step < steps; ++step) {
            memcpy(values, x, (size_t)model->features * sizeof *x);
            engine_step(engine, values);
            narrow(y, values + output->offset, model->outputs, type_of(output));
            engine_advance(engine, values);
            x += model->features;
            y += model->outputs * (npy_intp)output->bytes;
        }
    }
}

/* Without the interpreter's lock. The operands are copied first: nobody may change them after they were checked. */
static PyObject *run(const Model *model, int16_t *values, PyObject *operands, int dimensions)
{
    const engine_t *const engine = model->engine;
    const int type = type_of(&engine->tensors[0]), result_type = type_of(&engine->tensors[engine->y]);
    if (!has_form(operands, type, dimensions, model->features)) {
        PyErr_SetString(PyExc_ValueError, "the operands of a run have another form than the program's x");
        return NULL;
    }
    PyArrayObject *const array = (PyArrayObject *)operands;
    const npy_intp count = PyArray_SIZE(array);
    const npy_intp windows = dimensions == 3 ? PyArray_DIM(array, 0) : 1, steps = PyArray_DIM(array, dimensions - 2);
    npy_intp shape[3] = {PyArray_DIM(array, 0), PyArray_DIM(array, 1), 0};
    shape[dimensions - 1] = model->outputs;
    int16_t *const x = PyMem_RawMalloc((size_t)count * sizeof *x);
    if (x == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *y = NULL;
    if (!widen(x, PyArray_BYTES(array), PyArray_ITEMSIZE(array), count, type, engine->x_limit)) {
        PyErr_SetString(PyExc_ValueError, OUT_OF_RANGE);
    } else if ((y = PyArray_SimpleNew(dimensions, shape, result_type)) != NULL) {
        char *const to = PyArray_BYTES((PyArrayObject *)y);
        Py_BEGIN_ALLOW_THREADS
        run_windows(model, values, x, windows, steps, dimensions == 3, to);
        Py_END_ALLOW_THREADS
    }
    PyMem_RawFree(x);
    return y;
}

static PyObject *model_run(Model *model, PyObject *operands)
{
    int16_t *const values = new_values(model);
    PyObject *const y = values != NULL ? run(model, values, operands, 3) : NULL;
    PyMem_RawFree(values);
    return y;
}

/* Stream */

static PyObject *stream_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    Model *model;
    static char *names[] = {"model", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!:Stream", names, &ModelType, &model)) {
        return NULL;
    }
    Stream *const stream = (Stream *)type->tp_alloc(type, 0);
    if (stream == NULL) {
        return NULL;
    }
    Py_INCREF(model);
    stream->model = model;
    stream->values = new_values(model);
    if (stream->values == NULL) {
        Py_DECREF(stream);
        return NULL;
    }
    return (PyObject *)stream;
}

static void stream_dealloc(Stream *stream)
{
    PyMem_RawFree(stream->values);
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

static PyObject *stream_reset(Stream *stream, PyObject *Py_UNUSED(nothing))
{
    if (!is_free(stream)) {
        return NULL;
    }
    engine_reset(stream->model->engine, stream->values);
    Py_RETURN_NONE;
}

/* What a sample is. NUMBERS and OPERANDS now are the x among the stream's values. */
typedef enum { SOMETHING_ELSE, NUMBERS, OPERANDS } sample_t;

static sample_t put_array(Stream *stream, PyArrayObject *array)
{
    const Model *const model = stream->model;
    if (PyArray_NDIM(array) != 1 || PyArray_DIM(array, 0) != model->features || PyArray_ISBYTESWAPPED(array)) {
        return SOMETHING_ELSE;
    }
    const char *item = PyArray_BYTES(array);
    const npy_intp stride = PyArray_STRIDE(array, 0);
    const int type = PyArray_TYPE(array);
    if (type == type_of(&model->engine->tensors[0])) {
        const int fits = widen(stream->values, item, stride, model->features, type, model->engine->x_limit);
        return fits ? OPERANDS : SOMETHING_ELSE;
    }
    for (npy_intp i = 0; i < model->features; ++i, item += stride) {
        double value;
        if (!read_item(item, type, &value) || !put(stream, i, value)) {
            return SOMETHING_ELSE;
        }
    }
    return NUMBERS;
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

static sample_t put_sequence(Stream *stream, PyObject *sequence)
{
    if (PySequence_Fast_GET_SIZE(sequence) != stream->model->features) {
        return SOMETHING_ELSE;
    }
    for (Py_ssize_t i = 0; i < stream->model->features; ++i) {
        double value;
        if (!read_number(PySequence_Fast_GET_ITEM(sequence, i), &value) || !put(stream, i, value)) {
            return SOMETHING_ELSE;
        }
    }
    return NUMBERS;
}

static PyObject *real_output(const Model *model, const int16_t *y)
{
    npy_intp outputs = model->outputs;
    PyObject *const array = PyArray_SimpleNew(1, &outputs, NPY_FLOAT32);
    if (array != NULL) {
        float *const values = PyArray_DATA((PyArrayObject *)array);
        for (npy_intp i = 0; i < outputs; ++i) {
            values[i] = dequantize(model, i, y[i]);
        }
    }
    return array;
}

static PyObject *stream_step(Stream *stream, PyObject *sample)
{
    const Model *const model = stream->model;
    const engine_t *const engine = model->engine;
    sample_t kind = SOMETHING_ELSE;
    if (!is_free(stream)) {
        return NULL;
    }
    if (PyArray_CheckExact(sample)) {
        kind = put_array(stream, (PyArrayObject *)sample);
    } else if (PyList_CheckExact(sample) || PyTuple_CheckExact(sample)) {
        kind = put_sequence(stream, sample);
    }
    if (kind == SOMETHING_ELSE) {
        Py_RETURN_NONE;
    }
    engine_step(engine, stream->values);
    const engine_tensor_t *const output = &engine->tensors[engine->y];
    PyObject *const y =
        kind == OPERANDS ? array_of(output, stream->values) : real_output(model, stream->values + output->offset);
    if (y != NULL) {
        engine_advance(engine, stream->values);
    }
    return y;
}

static PyObject *stream_run(Stream *stream, PyObject *operands)
{
    if (!is_free(stream)) {
        return NULL;
    }
    stream->running = 1;
    PyObject *const y = run(stream->model, stream->values, operands, 2);
    stream->running = 0;
    return y;
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

/* The module */

#define METHOD(name, function, flags) {name, (PyCFunction)(void (*)(void))(function), flags, NULL}

static PyMethodDef model_methods[] = {
    METHOD("compute", model_compute, METH_VARARGS),
    METHOD("run", model_run, METH_O),
    {NULL, NULL, 0, NULL},
};

static PyTypeObject ModelType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "edgernn.native._engine.Model",
    .tp_basicsize = sizeof(Model),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = model_new,
    .tp_dealloc = (destructor)model_dealloc,
    .tp_methods = model_methods,
};

static PyMethodDef stream_methods[] = {
    METHOD("reset", stream_reset, METH_NOARGS),
    METHOD("step", stream_step, METH_O),
    METHOD("run", stream_run, METH_O),
    METHOD("states", stream_states, METH_NOARGS),
    {NULL, NULL, 0, NULL},
};

static PyTypeObject StreamType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "edgernn.native._engine.Stream",
    .tp_basicsize = sizeof(Stream),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = stream_new,
    .tp_dealloc = (destructor)stream_dealloc,
    .tp_methods = stream_methods,
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_engine",
    .m_size = -1,
};

/* Errors that users see are edgernn's. */
static int find_error(void)
{
    PyObject *const errors = PyImport_ImportModule("edgernn.errors");
    if (errors != NULL) {
        engine_error = PyObject_GetAttrString(errors, "EdgernnError");
        Py_DECREF(errors);
    }
    return engine_error != NULL;
}

PyMODINIT_FUNC PyInit__engine(void)
{
    import_array();
    if (!find_error() || PyType_Ready(&ModelType) < 0 || PyType_Ready(&StreamType) < 0) {
        return NULL;
    }
    PyObject *const module = PyModule_Create(&definition);
    if (module == NULL || PyModule_AddObjectRef(module, "Model", (PyObject *)&ModelType) < 0 ||
        PyModule_AddObjectRef(module, "Stream", (PyObject *)&StreamType) < 0) {
        Py_XDECREF(module);
        return NULL;
    }
    return module;
}
