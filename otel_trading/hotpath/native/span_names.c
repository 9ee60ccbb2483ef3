#include "span_text.h"

static int
word_set(Word *word, PyObject *text, uint32_t *alphabet)
{
    Py_ssize_t size;
    const char *letters = PyUnicode_AsUTF8AndSize(text, &size);
    if (letters == NULL)
        return -1;
    word->letters = PyMem_RawMalloc((size_t)size + 1);
    if (word->letters == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(word->letters, letters, (size_t)size);
    word->size = (uint32_t)size;
    uint32_t found = 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        word->foreign |= (letters[i] & 0x80) != 0;
        if (letters[i] >= 'a' && letters[i] <= 'z')
            found |= 1u << (letters[i] - 'a');
    }
    if (!word->foreign)
        *alphabet |= found;
    return 0;
}

static int
row_add(SecretNames *names, PyObject *words, uint8_t ends)
{
    PyObject *given = PySequence_Tuple(words);
    if (given == NULL)
        return -1;
    Py_ssize_t number = PyTuple_GET_SIZE(given);
    Row *rows = PyMem_RawRealloc(names->rows, (names->number + 1) * sizeof(Row));
    Word *made = PyMem_RawCalloc((size_t)number + 1, sizeof(Word));
    if (rows != NULL)
        names->rows = rows;
    if (rows == NULL || made == NULL) {
        PyMem_RawFree(made);
        Py_DECREF(given);
        PyErr_NoMemory();
        return -1;
    }
    Row *row = &names->rows[names->number++];
    *row = (Row){made, (uint32_t)number, 0, ends};
    int done = 0;
    for (Py_ssize_t i = 0; done == 0 && i < number; i++) {
        done = word_set(&made[i], PyTuple_GET_ITEM(given, i), &row->alphabet);
        names->foreign |= made[i].foreign;
    }
    Py_DECREF(given);
    return done;
}

int
secret_names_add(SecretNames *names, PyObject *rows, uint8_t ends)
{
    PyObject *given = PySequence_Tuple(rows);
    int done = given == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; done == 0 && i < PyTuple_GET_SIZE(given); i++)
        done = row_add(names, PyTuple_GET_ITEM(given, i), ends);
    Py_XDECREF(given);
    return done;
}

void
secret_names_free(SecretNames *names)
{
    for (uint32_t i = 0; i < names->number; i++) {
        for (uint32_t j = 0; j < names->rows[i].number; j++)
            PyMem_RawFree(names->rows[i].words[j].letters);
        PyMem_RawFree(names->rows[i].words);
    }
    PyMem_RawFree(names->rows);
}
