/*
 * Classifies headers with DPDK's rte_acl, as measure/src/engine/acl.rs says:  acl CPU
 * It answers `ok` when it has started, and then line by line:
 *   build RULES                     -> ok SECONDS BYTES BITS: of the build, of what it holds, of the widest lookups
 *   load HEADERS                    -> ok
 *   answers scalar|widest BATCH TO  -> ok; the number of the rule for each header, from 1, or 0 for none
 *   time scalar|widest BATCH NS     -> ok NANOSECONDS: for one header, over at least so many
 * An answer that does not begin with `ok` says what is wrong.
 */
#include "peer.h"
#include <rte_acl.h>

struct rule {
    uint32_t source, destination;
    uint16_t ports[4];
    uint8_t source_length, destination_length, protocol, protocol_mask;
};

struct header {
    uint8_t protocol, padding[3];
    uint32_t source, destination;
    uint16_t source_port, destination_port;
};

enum { PROTOCOL, SOURCE, DESTINATION, SOURCE_PORT, DESTINATION_PORT, FIELDS };
RTE_ACL_RULE_DEF(acl_rule, FIELDS);

#define FIELD(number, kind, bytes, input, member) \
    {.type = RTE_ACL_FIELD_TYPE_##kind, .size = bytes, .field_index = number, .input_index = input, \
        .offset = offsetof(struct header, member)}

static const struct rte_acl_field_def fields[FIELDS] = {
    FIELD(PROTOCOL, BITMASK, 1, 0, protocol),
    FIELD(SOURCE, MASK, 4, 1, source),
    FIELD(DESTINATION, MASK, 4, 2, destination),
    FIELD(SOURCE_PORT, RANGE, 2, 3, source_port),
    FIELD(DESTINATION_PORT, RANGE, 2, 3, destination_port),
};

static struct rte_acl_ctx *acl;
static enum rte_acl_classify_alg widest = RTE_ACL_CLASSIFY_SCALAR;
/* How they are looked up now. */
static enum rte_acl_classify_alg algorithm = RTE_ACL_CLASSIFY_SCALAR;
static struct header *headers;
static const uint8_t **pointers;
static uint32_t *results;
static size_t count, position;

/* The widest lookups that the library and the processor have; how many bits they work on. */
static int choose_widest(void) {
    static const struct {
        enum rte_acl_classify_alg algorithm;
        int bits;
    } choices[] = {{RTE_ACL_CLASSIFY_AVX512X32, 512}, {RTE_ACL_CLASSIFY_AVX512X16, 256}, {RTE_ACL_CLASSIFY_AVX2, 256},
        {RTE_ACL_CLASSIFY_SSE, 128}, {RTE_ACL_CLASSIFY_SCALAR, 64}};
    for (size_t at = 0; at < sizeof choices / sizeof choices[0]; at++) {
        if (rte_acl_set_ctx_classify(acl, choices[at].algorithm) == 0) {
            widest = choices[at].algorithm;
            return choices[at].bits;
        }
    }
    return 0;
}

static void build(const char *path) {
    size_t rules;
    struct rule *from = read_array(path, sizeof *from, &rules);
    if (!from) {
        answer("the rules cannot be read");
        return;
    }
    struct rte_acl_param parameters = {.name = "rules", .socket_id = SOCKET_ID_ANY,
        .rule_size = RTE_ACL_RULE_SZ(FIELDS), .max_rule_num = rules};
    double begun = now_ns();
    acl = rte_acl_create(&parameters);
    if (!acl) {
        answer("rte_acl_create failed");
        return;
    }
    for (size_t at = 0; at < rules; at++) {
        struct rule *it = &from[at];
        struct acl_rule rule = {.data = {.category_mask = 1, .priority = RTE_ACL_MAX_PRIORITY - at, .userdata = at + 1}};
        rule.field[PROTOCOL].value.u8 = it->protocol;
        rule.field[PROTOCOL].mask_range.u8 = it->protocol_mask;
        rule.field[SOURCE].value.u32 = it->source;
        rule.field[SOURCE].mask_range.u32 = it->source_length;
        rule.field[DESTINATION].value.u32 = it->destination;
        rule.field[DESTINATION].mask_range.u32 = it->destination_length;
        rule.field[SOURCE_PORT].value.u16 = it->ports[0];
        rule.field[SOURCE_PORT].mask_range.u16 = it->ports[1];
        rule.field[DESTINATION_PORT].value.u16 = it->ports[2];
        rule.field[DESTINATION_PORT].mask_range.u16 = it->ports[3];
        if (rte_acl_add_rules(acl, (struct rte_acl_rule *)&rule, 1) != 0) {
            answer("rte_acl_add_rules failed at rule %zu", at);
            return;
        }
    }
    struct rte_acl_config config = {.num_categories = 1, .num_fields = FIELDS};
    memcpy(config.defs, fields, sizeof fields);
    double before = allocated();
    int failed = rte_acl_build(acl, &config);
    double seconds = (now_ns() - begun) / 1e9;
    if (failed)
        answer("rte_acl_build failed: %s", strerror(-failed));
    else
        answer("ok %f %f %d", seconds, allocated() - before, choose_widest());
    free(from);
}

static void load(const char *path) {
    free(headers);
    free(pointers);
    free(results);
    headers = read_array(path, sizeof *headers, &count);
    pointers = malloc((count + 1) * sizeof *pointers);
    results = malloc((count + 1) * sizeof *results);
    position = 0;
    if (!headers || !pointers || !results) {
        answer("the headers cannot be read");
        return;
    }
    for (size_t at = 0; at < count; at++)
        pointers[at] = (const uint8_t *)&headers[at];
    answer("ok");
}

/* Looks up `number` headers from `position` on, or as many as there are; returns how many. */
static size_t look_up(size_t batch, size_t number) {
    size_t end = position + number < count ? position + number : count, begun = position;
    for (size_t at = position; at < end; at += batch) {
        size_t length = end - at < batch ? end - at : batch;
        rte_acl_classify_alg(acl, &pointers[at], &results[at], length, 1, algorithm);
    }
    position = end == count ? 0 : end;
    return end - begun;
}

int main(int argc, char **argv) {
    char line[4096], way[16], path[4000];
    size_t batch;
    double least;
    if (argc != 2 || start_dpdk(argv[0], argv[1]) < 0) {
        answer("DPDK does not start");
        return 1;
    }
    answer("ok");
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "build %3999s", path) == 1) {
            build(path);
        } else if (sscanf(line, "load %3999s", path) == 1) {
            load(path);
        } else if (sscanf(line, "answers %15s %zu %3999s", way, &batch, path) == 3 && acl && count) {
            position = 0;
            algorithm = strcmp(way, "scalar") ? widest : RTE_ACL_CLASSIFY_SCALAR;
            look_up(batch, count);
            answer(write_array(path, results, sizeof *results, count) ? "the answers cannot be written" : "ok");
        } else if (sscanf(line, "time %15s %zu %lf", way, &batch, &least) == 3 && acl && count) {
            algorithm = strcmp(way, "scalar") ? widest : RTE_ACL_CLASSIFY_SCALAR;
            measure(look_up, batch, least);
        } else {
            answer("not understood: %s", strtok(line, "\n"));
        }
    }
    return 0;
}
