// SPDX-License-Identifier: Apache-2.0
/*
 * A reader of the flattened device tree that the guest was started with (Devicetree Specification 0.4, chapter 5).
 *
 * A guest has one tree, so the functions know it. A node is the offset of its FDT_BEGIN_NODE token; FDT_NONE is none.
 * Every read is checked against the bounds in the header: a damaged tree gives FDT_NONE or false, never a wild access.
 */
#ifndef FDT_H
#define FDT_H

#include <stdbool.h>
#include <stdint.h>

#define FDT_NONE (-1)
#define FDT_ROOT 0

/* Takes the tree at `blob`. False when there is none there; then all searches below find nothing. */
bool fdt_init(const void *blob);

/* The node that follows in the order of the tree, at any depth. FDT_ROOT comes first. */
int fdt_next(int node);

/* The node by its path ("/cpus/cpu@0") or, without a leading slash, by its alias. What follows a ':' is left out. */
int fdt_find(const char *path);

/*
 * The next node after `from` that names `compatible` among its compatible strings and is not disabled; FDT_NONE as `from`
 * starts at the root.
 */
int fdt_find_compatible(int from, const char *compatible);

/* The node with this phandle. */
int fdt_find_phandle(uint32_t phandle);

int fdt_parent(int node);

/* Name with the unit address: "uart@10000000". */
const char *fdt_name(int node);

/* The bytes of a property and their number in `size`; a null pointer when the node has none of this name. */
const void *fdt_property(int node, const char *name, uint32_t *size);

/* A property that is a string, or a null pointer. */
const char *fdt_string(int node, const char *name);

/* True when the property is a list of strings that holds `text`. */
bool fdt_lists(int node, const char *name, const char *text);

/* Cell `index` of a property, or `otherwise` when the property is missing or too short. */
uint32_t fdt_cell(int node, const char *name, uint32_t index, uint32_t otherwise);

/* Interrupt `index` of a node, as its controller numbers them (a GIC: INTIDs); 0 when there is none. */
uint32_t fdt_interrupt(int node, uint32_t index);

/* Entry `index` of `reg`: address and size in bytes, as the parent's #address-cells and #size-cells have them. */
bool fdt_reg(int node, uint32_t index, uint64_t *address, uint64_t *size);

#endif
