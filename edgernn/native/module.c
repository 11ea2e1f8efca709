/* SPDX-License-Identifier: Apache-2.0 */
/* The extension module `_engine`; its interface for Python is _engine.pyi. */
#define MODULE_IMPORTS_NUMPY
#include "module.h"

#include <stdlib.h>

#define FAMILY_VARIABLE "EDGERNN_KERNELS"

PyObject *engine_error;

PyObject *family_names(void)
{
    PyObject *found = PyList_New(0);
    const engine_family_t *family;
    for (size_t i = 0; found != NULL && (family = engine_family(i)) != NULL; ++i) {
        PyObject *const name = PyUnicode_FromString(family->name);
        if (name == NULL || PyList_Append(found, name) < 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(name);
    }
    return found;
}

const engine_family_t *choose_family(void)
{
    const char *const wanted = getenv(FAMILY_VARIABLE);
    if (wanted == NULL || *wanted == '\0') {
        return engine_family(0);
    }
    const engine_family_t *family;
    for (size_t i = 0; (family = engine_family(i)) != NULL; ++i) {
        if (strcmp(family->name, wanted) == 0) {
            return family;
        }
    }
    PyObject *const names = family_names();
    PyObject *const comma = names != NULL ? PyUnicode_FromString(", ") : NULL;
    PyObject *const list = comma != NULL ? PyUnicode_Join(comma, names) : NULL;
    if (list != NULL) {
        PyErr_Format(engine_error, "there are no kernels '%s' on this machine (environment variable " FAMILY_VARIABLE
                     "): there are %U", wanted, list);
    }
    Py_XDECREF(list);
    Py_XDECREF(comma);
    Py_XDECREF(names);
    return NULL;
}

static PyObject *module_kernels(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    const engine_family_t *const family = choose_family();
    return family != NULL ? PyUnicode_FromString(family->name) : NULL;
}

static PyObject *module_families(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    return family_names();
}

static PyMethodDef functions[] = {
    METHOD("kernels", module_kernels, METH_NOARGS),
    METHOD("families", module_families, METH_NOARGS),
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_engine",
    .m_size = -1,
    .m_methods = functions,
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
