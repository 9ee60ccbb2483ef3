#include "chain.h"

LOCK(links);

void
chains_hold(void)
{
    HOLD(links);
}

void
chains_let_go(void)
{
    LET_GO(links);
}

int
chain_leads_to(const Cell *next, const Cell *cell)
{
    for (const Cell *other = next; other != NULL; other = other->next)
        if (other == cell)
            return 1;
    return 0;
}

PyObject *
chain_extend(PyObject *self, PyObject *further)
{
    if (!PyObject_TypeCheck(further, Cell_Type)) {
        PyErr_SetString(PyExc_TypeError, "extend takes a Cell");
        return NULL;
    }
    Cell *last = (Cell *)self;
    HOLD(links);
    while (last->next != NULL)
        last = last->next;
    int straight = !chain_leads_to((Cell *)further, last);
    if (straight) {
        GUARD(last)
        POKE(last->next, (Cell *)Py_NewRef(further));
        UNGUARD()
    }
    LET_GO(links);
    if (straight)
        Py_RETURN_NONE;
    PyErr_SetString(PyExc_ValueError, "next must not lead back to the cell");
    return NULL;
}
