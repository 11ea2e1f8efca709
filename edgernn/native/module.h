/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the extension module share: module.c, where it begins, model.c, stream.c and arrays.c. */
#ifndef EDGERNN_MODULE_H
#define EDGERNN_MODULE_H

#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_1_25_API_VERSION
#define NPY_TARGET_VERSION NPY_1_25_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL edgernn_numpy
#if !defined(MODULE_IMPORTS_NUMPY)
#define NO_IMPORT_ARRAY
#endif
#include <Python.h>
#include <numpy/arrayobject.h>

#include "engine.h"

#define OUT_OF_RANGE "an operand is out of range"

#define METHOD(name, function, flags) {name, (PyCFunction)(void (*)(void))(function), flags, NULL}

typedef struct {
    PyObject_HEAD
    void *memory; /* the engine is in it, aligned */
    const engine_t *engine;
    npy_intp features, outputs;
    float *mean, *factor, *target_std, *target_mean; /* in one piece of memory, which begins at mean */
    float scale;
} Model;

extern PyTypeObject ModelType, StreamType;

/* EdgernnError. */
extern PyObject *engine_error;

/* The families' names, a list. */
PyObject *family_names(void);

/* The best family, or the one that the environment asks for; NULL with an error of Python if it is not there. */
const engine_family_t *choose_family(void);

/* NumPy's number of a tensor's type, and the bytes of all its elements. */
int type_of(const engine_tensor_t *tensor);
size_t bytes_of(const engine_tensor_t *tensor);

/* Copies `count` elements of so many bytes; 0 where one of them passes the limit. */
int copy_within(uint8_t *to, const char *items, npy_intp stride, npy_intp count, size_t bytes, int limit);

/* A new array [size] of a tensor among the values. */
PyObject *array_of(const engine_tensor_t *tensor, const uint8_t *values);

/* Whether an array has that type and number of dimensions, the last one of that length, and lies in one piece. */
int has_form(PyObject *object, int type, int dimensions, npy_intp length);

/* Zeros, aligned, in *memory, which is for PyMem_RawFree; NULL with an error of Python where there is no room. */
uint8_t *new_memory(size_t size, void **memory);

/* The same for values of so many streams with states of zero. */
uint8_t *new_values(const Model *model, npy_intp count, void **memory);

/* Operands of a run, checked and copied: nobody may change them afterwards. */
const uint8_t *take_operands(const Model *model, PyObject *operands, int dimensions, void **memory);

/* The array of a run's results: as the operands, with K in the place of F. */
PyObject *new_results(const Model *model, PyObject *operands);

#endif
