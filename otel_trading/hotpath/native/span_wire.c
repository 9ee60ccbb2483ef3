#include "span_wire.h"

#define MOST_SIZE (1u << 30) /* far above what a span may have */

int
wire_grow(Wire *wire, size_t more)
{
    if (wire->failed)
        return -1;
    size_t room = (size_t)wire->room + wire->room / 2 + more;
    uint8_t *data = room > MOST_SIZE ? NULL : PyMem_RawRealloc(wire->own ? wire->data : NULL, room);
    if (data == NULL) {
        wire->failed = 1;
        return -1;
    }
    if (!wire->own)
        memcpy(data, wire->data, wire->size);
    wire->own = 1;
    wire->data = data;
    wire->room = (uint32_t)room;
    return 0;
}
