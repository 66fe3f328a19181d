// The part of a module that is the same for every policy, by OPA's documented ABI: values, JSON, memory, and
// the exports. A policy includes it and defines ENTRYPOINTS, BUILTINS (JSON texts), and `evaluate`. With
// ABI_MINOR below 2 there is no `opa_eval`, only the evaluation context.
#ifndef ABI_MINOR
#define ABI_MINOR 3
#endif
#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(name) __attribute__((import_module("env"), import_name(name)))

typedef unsigned int size;
typedef enum { NIL, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT, SET } kind;

typedef struct value {
    kind kind;
    int flag;            // of a boolean
    const char *text;    // of a string or number, as it is in JSON, without quotes
    size length;
    struct member *first; // of a collection
    struct member *last;
} value;

typedef struct member {
    value *key;
    value *value;
    struct member *next;
} member;

IMPORT("opa_abort") void opa_abort(const char *message);
IMPORT("opa_println") void opa_println(const char *message);
IMPORT("opa_builtin0") value *opa_builtin0(int id, void *context);
IMPORT("opa_builtin1") value *opa_builtin1(int id, void *context, value *a);
IMPORT("opa_builtin2") value *opa_builtin2(int id, void *context, value *a, value *b);
IMPORT("opa_builtin3") value *opa_builtin3(int id, void *context, value *a, value *b, value *c);
IMPORT("opa_builtin4") value *opa_builtin4(int id, void *context, value *a, value *b, value *c, value *d);

extern unsigned char __heap_base;
static size heap;

EXPORT("opa_heap_ptr_get") size opa_heap_ptr_get(void) { return heap ? heap : (heap = (size)&__heap_base); }
EXPORT("opa_heap_ptr_set") void opa_heap_ptr_set(size at) { heap = at; }

EXPORT("opa_malloc") void *opa_malloc(size bytes) {
    size at = (opa_heap_ptr_get() + 7) & ~7u;
    size end = at + bytes;
    size have = (size)__builtin_wasm_memory_size(0) * 65536;
    if (end > have && __builtin_wasm_memory_grow(0, (end - have + 65535) / 65536) == (size)-1) {
        opa_abort("opa_malloc: failed");
        __builtin_trap();
    }
    heap = end;
    return (void *)at;
}
EXPORT("opa_free") void opa_free(void *at) { (void)at; }

static value *make(kind kind) {
    value *made = opa_malloc(sizeof(value));
    *made = (value){.kind = kind};
    return made;
}
static value *boolean(int flag) { value *made = make(BOOLEAN); made->flag = flag; return made; }
static value *sliced(kind kind, const char *text, size length) {
    value *made = make(kind); made->text = text; made->length = length; return made;
}
static size length_of(const char *text) { size n = 0; while (text[n]) n++; return n; }
static value *string(const char *text) { return sliced(STRING, text, length_of(text)); }
static value *number(const char *text) { return sliced(NUMBER, text, length_of(text)); }

static void add(value *to, value *key, value *it) {
    member *made = opa_malloc(sizeof(member));
    *made = (member){key, it, 0};
    if (to->last) to->last->next = made; else to->first = made;
    to->last = made;
}

// Reading: JSON, and the sets that `opa_value_dump` writes.
static const char *at, *end;
static value *read(void);

static char next(void) {
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) at++;
    return at < end ? *at : 0;
}
static int take(char wanted) { if (next() != wanted) return 0; at++; return 1; }

static value *read_text(void) {
    const char *start = ++at;
    while (at < end && *at != '"') at += *at == '\\' ? 2 : 1;
    if (at >= end) return 0;
    return sliced(STRING, start, (size)(at++ - start));
}

static value *read_members(char close) {
    value *made = make(close == ']' ? ARRAY : OBJECT);
    at++;
    while (!take(close)) {
        if (made->first && !take(',')) return 0;
        value *one = read();
        if (!one) return 0;
        if (close == '}' && take(':')) {
            value *it = read();
            if (!it) return 0;
            add(made, one, it);
        } else {
            if (close == '}') made->kind = SET;
            add(made, 0, one);
        }
    }
    return made;
}

static value *read(void) {
    char first = next();
    if (first == '"') return read_text();
    if (first == '[') return read_members(']');
    if (first == '{') return read_members('}');
    const char *start = at;
    while (at < end && *at != ',' && *at != ']' && *at != '}' && *at != ':' && *at != ' ') at++;
    size length = (size)(at - start);
    if (first == 't') return boolean(1);
    if (first == 'f') return boolean(0);
    if (first == 'n') return make(NIL);
    if (first == 's') return make(SET);
    return length ? sliced(NUMBER, start, length) : 0;
}

EXPORT("opa_json_parse") value *opa_json_parse(const char *text, size length) {
    at = text;
    end = text + length;
    return read();
}
EXPORT("opa_value_parse") value *opa_value_parse(const char *text, size length) {
    return opa_json_parse(text, length);
}

// Writing.
static char *out;
static void put(const char *text, size length) {
    char *to = opa_malloc(length + 1) ;
    (void)to;
    for (size n = 0; n < length; n++) out[n] = text[n];
    out += length;
}
static void dump(value *it, int sets) {
    char open = it->kind == ARRAY || (it->kind == SET && !sets) ? '[' : '{';
    char close = open == '[' ? ']' : '}';
    switch (it->kind) {
    case NIL: put("null", 4); return;
    case BOOLEAN: if (it->flag) put("true", 4); else put("false", 5); return;
    case NUMBER: put(it->text, it->length); return;
    case STRING: put("\"", 1); put(it->text, it->length); put("\"", 1); return;
    default: break;
    }
    if (it->kind == SET && sets && !it->first) { put("set()", 5); return; }
    put(&open, 1);
    for (member *one = it->first; one; one = one->next) {
        if (one != it->first) put(",", 1);
        if (one->key) { dump(one->key, sets); put(":", 1); }
        dump(one->value, sets);
    }
    put(&close, 1);
}
static char *dumped(value *it, int sets) {
    char *start = out = opa_malloc(8);
    dump(it, sets);
    *out = 0;
    return start;
}
EXPORT("opa_json_dump") char *opa_json_dump(value *it) { return dumped(it, 0); }
EXPORT("opa_value_dump") char *opa_value_dump(value *it) { return dumped(it, 1); }

// What rules do.
static int same(const char *a, size n, const char *b, size m) {
    if (n != m) return 0;
    for (size i = 0; i < n; i++) if (a[i] != b[i]) return 0;
    return 1;
}
static int is(value *it, const char *text) {
    return it && it->kind == STRING && same(it->text, it->length, text, length_of(text));
}
static value *get(value *of, const char *name) {
    if (of) for (member *one = of->first; one; one = one->next) if (one->key && is(one->key, name)) return one->value;
    return 0;
}
static int starts(value *it, const char *with) {
    size n = length_of(with);
    return it && it->kind == STRING && it->length >= n && same(it->text, n, with, n);
}
static double real(value *it) {
    double sum = 0, scale = 1; int fraction = 0, sign = 1;
    for (size n = 0; it && n < it->length; n++) {
        char c = it->text[n];
        if (c == '-') sign = -1;
        else if (c == '.') fraction = 1;
        else { sum = sum * 10 + (c - '0'); if (fraction) scale *= 10; }
    }
    return sign * sum / scale;
}

// What a policy defines: the value of an entry point, or nothing if it is undefined.
static value *evaluate(int entry, value *input, value *data);

EXPORT("entrypoints") value *entrypoints(void) { return opa_json_parse(ENTRYPOINTS, sizeof(ENTRYPOINTS) - 1); }
EXPORT("builtins") value *builtins(void) { return opa_json_parse(BUILTINS, sizeof(BUILTINS) - 1); }

static value *results(int entry, value *input, value *data) {
    value *all = make(ARRAY), *it = evaluate(entry, input, data);
    if (it) {
        value *one = make(OBJECT);
        add(one, string("result"), it);
        add(all, 0, one);
    }
    return all;
}

#if ABI_MINOR >= 2
EXPORT("opa_eval") char *opa_eval(void *reserved, int entry, value *data, char *input, size length, size top, int format) {
    (void)reserved; (void)format;
    opa_heap_ptr_set(top);
    value *read = opa_json_parse(input, length);
    if (!read) opa_abort("the input is no JSON");
    return opa_json_dump(results(entry, read, data));
}
#endif

typedef struct { value *input, *data, *result; int entry; } context;
EXPORT("opa_eval_ctx_new") context *opa_eval_ctx_new(void) { context *made = opa_malloc(sizeof(context)); *made = (context){0}; return made; }
EXPORT("opa_eval_ctx_set_input") void opa_eval_ctx_set_input(context *of, value *it) { of->input = it; }
EXPORT("opa_eval_ctx_set_data") void opa_eval_ctx_set_data(context *of, value *it) { of->data = it; }
EXPORT("opa_eval_ctx_set_entrypoint") void opa_eval_ctx_set_entrypoint(context *of, int it) { of->entry = it; }
EXPORT("opa_eval_ctx_get_result") value *opa_eval_ctx_get_result(context *of) { return of->result; }
EXPORT("eval") int eval(context *of) { of->result = results(of->entry, of->input, of->data); return 0; }
