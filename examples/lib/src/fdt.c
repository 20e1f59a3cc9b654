// SPDX-License-Identifier: Apache-2.0
#include "fdt.h"

#include <stddef.h>

#include "string.h"

enum { BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, NOP = 4, END = 9 };

#define MAGIC         0xd00dfeedu
#define TREE_SIZE_MAX (2u << 20) /* larger than any tree that a boot ABI allows */
#define DEPTH_MAX     16

static struct {
    const uint8_t *structure;
    uint32_t structure_size;
    const char *strings;
    uint32_t strings_size;
} tree;

struct token {
    uint32_t kind;
    uint32_t next;     /* offset of the token that follows */
    const char *name;  /* of a node or a property */
    const void *value; /* of a property */
    uint32_t size;
};

/* The tree is big-endian and only 4-byte aligned at best; bytes are safe anywhere. */
static uint32_t read_cell(const void *at)
{
    const uint8_t *byte = at;

    return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

/* True when a string that starts `offset` bytes into `block` ends inside it. */
static bool string_fits(const char *block, uint32_t size, uint32_t offset)
{
    return offset < size && memchr(block + offset, 0, size - offset) != NULL;
}

static bool read_token(uint32_t offset, struct token *token)
{
    const uint8_t *block = tree.structure;
    const uint32_t size = tree.structure_size;

    if (size < 4 || offset > size - 4) {
        return false;
    }
    *token = (struct token){.kind = read_cell(block + offset), .next = offset + 4};
    if (token->kind == BEGIN_NODE) {
        if (!string_fits((const char *)block, size, token->next)) {
            return false;
        }
        token->name = (const char *)block + token->next;
        token->next += ((uint32_t)strlen(token->name) + 4) & ~3u;
    } else if (token->kind == PROPERTY) {
        if (size - offset < 12) {
            return false;
        }
        token->size = read_cell(block + offset + 4);
        const uint32_t name = read_cell(block + offset + 8);
        if (token->size > size - offset - 12 || !string_fits(tree.strings, tree.strings_size, name)) {
            return false;
        }
        token->name = tree.strings + name;
        token->value = block + offset + 12;
        token->next = offset + 12 + ((token->size + 3) & ~3u);
    }
    return token->kind != END;
}

bool fdt_init(const void *blob)
{
    const uint8_t *header = blob;

    memset(&tree, 0, sizeof tree);
    if (header == NULL || read_cell(header) != MAGIC) {
        return false;
    }
    const uint32_t total = read_cell(header + 4);
    const uint32_t structure = read_cell(header + 8);
    const uint32_t strings = read_cell(header + 12);
    const uint32_t strings_size = read_cell(header + 32);
    const uint32_t structure_size = read_cell(header + 36);
    if (total > TREE_SIZE_MAX || structure > total || structure_size > total - structure || strings > total ||
        strings_size > total - strings) {
        return false;
    }
    tree.structure = header + structure;
    tree.structure_size = structure_size;
    tree.strings = (const char *)header + strings;
    tree.strings_size = strings_size;
    return true;
}

static int next_node(uint32_t offset)
{
    struct token token;

    for (; read_token(offset, &token); offset = token.next) {
        if (token.kind == BEGIN_NODE) {
            return (int)offset;
        }
    }
    return FDT_NONE;
}

int fdt_next(int node)
{
    struct token token;

    if (node < 0) {
        return next_node(0);
    }
    return read_token((uint32_t)node, &token) ? next_node(token.next) : FDT_NONE;
}

const char *fdt_name(int node)
{
    struct token token;

    return node >= 0 && read_token((uint32_t)node, &token) && token.kind == BEGIN_NODE ? token.name : "";
}

int fdt_parent(int node)
{
    int ancestors[DEPTH_MAX];
    int depth = 0;
    struct token token;

    for (uint32_t offset = 0; node >= 0 && read_token(offset, &token); offset = token.next) {
        if (token.kind == BEGIN_NODE) {
            if (offset == (uint32_t)node) {
                return depth > 0 ? ancestors[depth - 1] : FDT_NONE;
            }
            if (depth == DEPTH_MAX) {
                break;
            }
            ancestors[depth++] = (int)offset;
        } else if (token.kind == END_NODE && depth > 0) {
            depth--;
        }
    }
    return FDT_NONE;
}

/* The child of `node` whose name is the first `length` characters of `name`. */
static int child(int node, const char *name, size_t length)
{
    for (int found = fdt_next(node); found != FDT_NONE; found = fdt_next(found)) {
        const char *its = fdt_name(found);
        if (strncmp(its, name, length) == 0 && its[length] == '\0' && fdt_parent(found) == node) {
            return found;
        }
    }
    return FDT_NONE;
}

int fdt_find(const char *path)
{
    int node = FDT_ROOT;

    if (path == NULL) {
        return FDT_NONE;
    }
    if (*path != '/') {
        char alias[32];
        const size_t length = strcspn(path, ":");
        if (length == 0 || length >= sizeof alias) {
            return FDT_NONE;
        }
        memcpy(alias, path, length);
        alias[length] = '\0';
        path = fdt_string(fdt_find("/aliases"), alias);
        if (path == NULL || *path != '/') {
            return FDT_NONE;
        }
    }
    while (node != FDT_NONE && *path == '/') {
        path++;
        const size_t length = strcspn(path, "/:");
        if (length > 0) {
            node = child(node, path, length);
        }
        path += length;
    }
    return node;
}

const void *fdt_property(int node, const char *name, uint32_t *size)
{
    struct token token;

    if (node < 0 || !read_token((uint32_t)node, &token)) {
        return NULL;
    }
    while (read_token(token.next, &token) && (token.kind == PROPERTY || token.kind == NOP)) {
        if (token.kind == PROPERTY && strcmp(token.name, name) == 0) {
            *size = token.size;
            return token.value;
        }
    }
    return NULL;
}

const char *fdt_string(int node, const char *name)
{
    uint32_t size;
    const char *text = fdt_property(node, name, &size);

    return text != NULL && size > 0 && text[size - 1] == '\0' ? text : NULL;
}

bool fdt_lists(int node, const char *name, const char *text)
{
    uint32_t size;
    const char *list = fdt_property(node, name, &size);

    if (list == NULL || size == 0 || list[size - 1] != '\0') {
        return false;
    }
    for (const char *end = list + size; list < end; list += strlen(list) + 1) {
        if (strcmp(list, text) == 0) {
            return true;
        }
    }
    return false;
}

int fdt_find_compatible(int from, const char *compatible)
{
    int node = fdt_next(from);

    while (node != FDT_NONE && (!fdt_lists(node, "compatible", compatible) || fdt_lists(node, "status", "disabled"))) {
        node = fdt_next(node);
    }
    return node;
}

int fdt_find_phandle(uint32_t phandle)
{
    int node = fdt_next(FDT_NONE);

    while (node != FDT_NONE && fdt_cell(node, "phandle", 0, 0) != phandle) {
        node = fdt_next(node);
    }
    return node;
}

uint32_t fdt_cell(int node, const char *name, uint32_t index, uint32_t otherwise)
{
    uint32_t size;
    const uint8_t *cells = fdt_property(node, name, &size);

    return cells != NULL && index < size / 4 ? read_cell(cells + 4 * index) : otherwise;
}

static uint64_t read_cells(const uint8_t *at, uint32_t count)
{
    uint64_t value = 0;

    for (uint32_t i = 0; i < count; i++) {
        value = value << 32 | read_cell(at + 4 * i);
    }
    return value;
}

bool fdt_reg(int node, uint32_t index, uint64_t *address, uint64_t *size)
{
    const int parent = fdt_parent(node);
    const uint32_t address_cells = fdt_cell(parent, "#address-cells", 0, 2);
    const uint32_t size_cells = fdt_cell(parent, "#size-cells", 0, 1);
    uint32_t length;
    const uint8_t *reg = fdt_property(node, "reg", &length);

    if (reg == NULL || address_cells > 2 || size_cells > 2) {
        return false;
    }
    const uint32_t entry = 4 * (address_cells + size_cells);
    if (entry == 0 || index >= length / entry) {
        return false;
    }
    *address = read_cells(reg + index * entry, address_cells);
    *size = read_cells(reg + index * entry + 4 * address_cells, size_cells);
    return true;
}

/* A specifier has one cell (PLIC), two (APLIC), or three of which the first is the kind (GIC: 0 shared, 1 private). */
uint32_t fdt_interrupt(int node, uint32_t index)
{
    uint32_t parent = 0;

    for (int at = node; at != FDT_NONE && parent == 0; at = fdt_parent(at)) {
        parent = fdt_cell(at, "interrupt-parent", 0, 0);
    }
    const uint32_t cells = fdt_cell(fdt_find_phandle(parent), "#interrupt-cells", 0, 1);
    const uint32_t first = fdt_cell(node, "interrupts", index * cells, 0);
    if (cells < 3) {
        return first;
    }
    const uint32_t number = fdt_cell(node, "interrupts", index * cells + 1, UINT32_MAX);
    return number == UINT32_MAX ? 0 : number + (first == 0 ? 32 : 16);
}
