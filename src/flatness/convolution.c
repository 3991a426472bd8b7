/* Convolutions of 3 x 3 on a processor that multiplies pairs of bfloat16 (AVX512-BF16): with stride 1 by Winograd's
   minimal filtering F(2 x 2, 3 x 3) (Lavin and Gray 2016), and the gradients of those with stride 2.

   An image of H x W pixels is H/2 x W/2 tiles of 2 x 2. All operations are three steps over blocks of tiles, which
   stay in the cache: expand pixels to several matrices V [tiles, inputs], multiply them by those of the filters U
   [inputs, outputs], and contract the products M [tiles, outputs] to pixels; half of that, N = A' M, while they are in
   registers. With stride 1, d being the 4 x 4 pixels around a tile and g a filter,

       tile = A' [(G g G') * (B' d B)] A,    and for the gradient of the tile    dg = G' [(B' d B) * (A dtile A')] G,

   16 products for 4 pixels where there are 36 otherwise; ' transposes and * is number by number. With stride 2
   expanding is shifting and there is nothing to contract.

   Pixels are bfloat16 and lie channels last [images, H, W, channels]; filters are float32 [outputs, 3, 3, inputs].
   Transforms and sums are float32; matrices are rounded to bfloat16. Any number of threads gives the same bits. The
   file is compiled once for each number of INPUTS and OUTPUTS, multiples of 16, and each STRIDE. H is even, and W/2
   divides 16 and is even. */

#include <immintrin.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__GNUC__) || defined(__clang__)
#error "expected gcc, whose OpenMP shares its threads with torch"
#endif

#define UNROLLED _Pragma("GCC unroll 16") for
#define INLINE static inline __attribute__((always_inline))

enum {
    LANES = 16,
    REGISTERS = 16, /* of a product's sums */
    TILES = 16,     /* of a block that is multiplied by filters */
    MANY = 64,      /* tiles of a block that filters' gradients sum over */
    PARTS = 8, /* of all tiles, whose sums for filters' gradients are added up at the end, in order: no more threads
                  than that are of use there */
    STRETCHES = 64, /* of all blocks, which threads take as they come: one may be slower than the others */
    APART = 32,     /* numbers between matrices, which else would share the cache's sets */
    TAPS = 9,
    WINOGRAD = 16,                            /* matrices of stride 1 */
    MATRICES = STRIDE == 1 ? WINOGRAD : TAPS, /* of filters */
    GRADIENTS = STRIDE == 1 ? WINOGRAD : 1    /* of a gradient, where filters' gradients are summed */
};

typedef uint16_t number; /* bfloat16, the upper half of a float32 */
typedef __m512 floats;
typedef __m512i words;
typedef struct {
    floats row[4];
} column;

INLINE floats load(const number *from) {
    const __m256i half = _mm256_loadu_si256((const __m256i *)from);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

INLINE void store(number *to, floats values) {
    _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh(values));
}

/* Alternately a number of the first half and one of the second. */
INLINE words alternate(words halves) {
    static const uint16_t order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                       8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return _mm512_permutexvar_epi16(_mm512_loadu_si512(order), halves);
}

INLINE void store_pairs(number *to, floats first, floats second) {
    _mm512_storeu_si512(to, alternate((words)_mm512_cvtne2ps_pbh(second, first)));
}

INLINE void copy_pairs(number *to, const number *first, const number *second) {
    const __m256i a = first ? _mm256_loadu_si256((const __m256i *)first) : _mm256_setzero_si256();
    const __m256i b = _mm256_loadu_si256((const __m256i *)second);
    _mm512_storeu_si512(to, alternate(_mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1)));
}

/* ---- Filters: U [matrices][inputs/2][outputs][2] ---- */

/* G g G' of 16 filters whose nine numbers lie `step` apart, forwards or backwards. */
INLINE void transform_filter(floats to[WINOGRAD], const float *filter, int64_t step) {
    const floats half = _mm512_set1_ps(0.5f);
    floats g[TAPS], s[4][3];
    UNROLLED(int tap = 0; tap < TAPS; tap++)
        g[tap] = _mm512_loadu_ps(filter + tap * step);
    UNROLLED(int j = 0; j < 3; j++) {
        const floats sides = g[j] + g[6 + j];
        s[0][j] = g[j];
        s[1][j] = half * (sides + g[3 + j]);
        s[2][j] = half * (sides - g[3 + j]);
        s[3][j] = g[6 + j];
    }
    UNROLLED(int i = 0; i < 4; i++) {
        const floats sides = s[i][0] + s[i][2];
        to[4 * i] = s[i][0];
        to[4 * i + 1] = half * (sides + s[i][1]);
        to[4 * i + 2] = half * (sides - s[i][1]);
        to[4 * i + 3] = s[i][2];
    }
}

INLINE void copy_filter(floats to[TAPS], const float *filter, int64_t step) {
    UNROLLED(int tap = 0; tap < TAPS; tap++)
        to[tap] = _mm512_loadu_ps(filter + tap * step);
}

static void expand_filters(const float *filters, number *U) {
    int32_t *pairs = (int32_t *)U;
#pragma omp for
    for (int64_t output = 0; output < OUTPUTS; output++)
        for (int64_t input = 0; input < INPUTS; input += LANES) {
            floats matrices[WINOGRAD];
            transform_filter(matrices, filters + output * TAPS * INPUTS + input, INPUTS);
            for (int matrix = 0; matrix < WINOGRAD; matrix++) {
                int32_t some[LANES / 2];
                store((number *)some, matrices[matrix]);
                for (int pair = 0; pair < LANES / 2; pair++)
                    pairs[((matrix * INPUTS + input) / 2 + pair) * OUTPUTS + output] = some[pair];
            }
        }
}

/* Of the same filters from their outputs to their inputs: those of stride 1 turned by half a circle. */
static void expand_filters_back(const float *filters, number *U) {
    const int64_t one = TAPS * INPUTS;
#pragma omp for
    for (int64_t output = 0; output < OUTPUTS; output += 2)
        for (int64_t input = 0; input < INPUTS; input += LANES) {
            const float *filter = filters + output * one + input;
            floats first[WINOGRAD], second[WINOGRAD];
            if (STRIDE == 1) {
                transform_filter(first, filter + (TAPS - 1) * INPUTS, -INPUTS);
                transform_filter(second, filter + one + (TAPS - 1) * INPUTS, -INPUTS);
            } else {
                copy_filter(first, filter, INPUTS);
                copy_filter(second, filter + one, INPUTS);
            }
            for (int matrix = 0; matrix < MATRICES; matrix++)
                store_pairs(U + (matrix * OUTPUTS + output) * INPUTS + 2 * input, first[matrix], second[matrix]);
        }
}

/* ---- Pixels of one row of tiles: to V [matrices][tiles][channels], or in pairs [matrices][tiles/2][channels][2] ----
 */

typedef struct {
    int64_t images, height, width, channels; /* of pixels */
    const number *pixels, *nothing;          /* a row of zeros */
} picture;

/* The rows of pixels around a row of tiles, which are counted through all images. */
INLINE void rows_around(const number *rows[4], const picture *of, int64_t tile_row) {
    const int64_t image = tile_row / (of->height / 2), first = 2 * (tile_row % (of->height / 2)) - 1;
    for (int64_t row = first; row < first + 4; row++)
        rows[row - first] = row < 0 || row >= of->height
                                ? of->nothing
                                : of->pixels + (image * of->height + row) * of->width * of->channels;
}

/* B' d of the pixels at one place of four rows. */
INLINE column column_at(const number *const rows[4], int64_t place, int is_inside) {
    column to = {{_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()}};
    if (!is_inside)
        return to;
    const floats a = load(rows[0] + place), b = load(rows[1] + place);
    const floats c = load(rows[2] + place), d = load(rows[3] + place);
    to.row[0] = a - c;
    to.row[1] = b + c;
    to.row[2] = c - b;
    to.row[3] = b - d;
    return to;
}

static void expand_row(number *V, const picture *of, int64_t tile_row, int64_t apart) {
    const int64_t channels = of->channels, tiles = of->width / 2;
    const number *rows[4];
    rows_around(rows, of, tile_row);
    for (int64_t channel = 0; channel < channels; channel += LANES) {
        column a = column_at(rows, 0, 0), b = column_at(rows, channel, 1);
        for (int64_t tile = 0; tile < tiles; tile++) {
            const int64_t next = (2 * tile + 1) * channels + channel;
            const column c = column_at(rows, next, 1), d = column_at(rows, next + channels, tile < tiles - 1);
            UNROLLED(int i = 0; i < 4; i++) {
                number *to = V + 4 * i * apart + tile * channels + channel;
                store(to, a.row[i] - c.row[i]);
                store(to + apart, b.row[i] + c.row[i]);
                store(to + 2 * apart, c.row[i] - b.row[i]);
                store(to + 3 * apart, b.row[i] - d.row[i]);
            }
            a = c, b = d;
        }
    }
}

static void expand_row_in_pairs(number *V, const picture *of, int64_t tile_row, int64_t apart) {
    const int64_t channels = of->channels, tiles = of->width / 2;
    const number *rows[4];
    rows_around(rows, of, tile_row);
    for (int64_t channel = 0; channel < channels; channel += LANES) {
        column a = column_at(rows, 0, 0), b = column_at(rows, channel, 1);
        for (int64_t tile = 0; tile < tiles; tile += 2) {
            const int64_t next = (2 * tile + 1) * channels + channel;
            const column c = column_at(rows, next, 1), d = column_at(rows, next + channels, 1);
            const column e = column_at(rows, next + 2 * channels, 1);
            const column f = column_at(rows, next + 3 * channels, tile < tiles - 2);
            UNROLLED(int i = 0; i < 4; i++) {
                number *to = V + 4 * i * apart + tile * channels + 2 * channel;
                store_pairs(to, a.row[i] - c.row[i], c.row[i] - e.row[i]);
                store_pairs(to + apart, b.row[i] + c.row[i], d.row[i] + e.row[i]);
                store_pairs(to + 2 * apart, c.row[i] - b.row[i], e.row[i] - d.row[i]);
                store_pairs(to + 3 * apart, b.row[i] - d.row[i], d.row[i] - f.row[i]);
            }
            a = e, b = f;
        }
    }
}

/* Pixels under each of the nine taps of a filter of stride 2. */
static void shift_row_in_pairs(number *V, const picture *of, int64_t tile_row, int64_t apart) {
    const int64_t channels = of->channels, tiles = of->width / 2;
    const number *rows[4];
    rows_around(rows, of, tile_row);
    for (int tap = 0; tap < TAPS; tap++)
        for (int64_t tile = 0; tile < tiles; tile += 2)
            for (int64_t channel = 0; channel < channels; channel += LANES) {
                const int64_t pixel = 2 * tile - 1 + tap % 3;
                const number *row = rows[tap / 3] + channel;
                copy_pairs(V + tap * apart + tile * channels + 2 * channel, pixel < 0 ? 0 : row + pixel * channels,
                           row + (pixel + 2) * channels);
            }
}

/* Of the gradient of a convolution of stride 2, whose pixels are the tiles: itself, that to its right, those below. */
static void shift_row(number *V, const picture *of, int64_t row, int64_t apart) {
    const int64_t row_size = of->width * of->channels;
    for (int64_t below = 0; below < 2; below++) {
        const int is_inside = row % of->height + below < of->height;
        const number *from = is_inside ? of->pixels + (row + below) * row_size : of->nothing;
        number *here = V + 2 * below * apart, *right = here + apart;
        memcpy(here, from, sizeof(number) * row_size);
        memcpy(right, from + of->channels, sizeof(number) * (row_size - of->channels));
        memset(right + row_size - of->channels, 0, sizeof(number) * of->channels);
    }
}

/* A dtile of the two pixels at one place of two rows. */
INLINE column gradient_at(const number *above, const number *below) {
    const floats a = load(above), b = load(below);
    const column to = {{a, a + b, a - b, -b}};
    return to;
}

static void expand_gradient_in_pairs(number *Z, const picture *of, int64_t tile_row, int64_t apart) {
    const int64_t channels = of->channels, row_size = of->width * channels;
    const number *above = of->pixels + 2 * tile_row * row_size;
    for (int64_t channel = 0; channel < channels; channel += LANES)
        for (int64_t tile = 0; tile < of->width / 2; tile += 2) {
            column pixel[4];
            UNROLLED(int i = 0; i < 4; i++) {
                const number *place = above + (2 * tile + i) * channels + channel;
                pixel[i] = gradient_at(place, place + row_size);
            }
            UNROLLED(int i = 0; i < 4; i++) {
                const floats a = pixel[0].row[i], b = pixel[1].row[i], c = pixel[2].row[i], d = pixel[3].row[i];
                number *to = Z + 4 * i * apart + tile * channels + 2 * channel;
                store_pairs(to, a, c);
                store_pairs(to + apart, a + b, c + d);
                store_pairs(to + 2 * apart, a - b, c - d);
                store_pairs(to + 3 * apart, -b, -d);
            }
        }
}

static void copy_gradient_in_pairs(number *Z, const picture *of, int64_t row) {
    const int64_t channels = of->channels;
    const number *from = of->pixels + row * of->width * channels;
    for (int64_t pixel = 0; pixel < of->width; pixel += 2)
        for (int64_t channel = 0; channel < channels; channel += LANES) {
            const number *place = from + pixel * channels + channel;
            copy_pairs(Z + pixel * channels + 2 * channel, place, place + channels);
        }
}

/* To one pixel, with what is added to it. */
INLINE void put(number *pixels, const number *added, int64_t place, floats value) {
    if (added)
        value += load(added + place);
    store(pixels + place, value);
}

/* N A to two rows of pixels, N [2][4][tiles][channels] being A' M. */
static void contract_row(const float *N, number *pixels, const number *added, int64_t width, int64_t channels) {
    const int64_t apart = TILES * channels + APART;
    for (int64_t channel = 0; channel < channels; channel += LANES)
        for (int64_t tile = 0; tile < width / 2; tile++)
            UNROLLED(int i = 0; i < 2; i++) {
                const int64_t place = (i * width + 2 * tile) * channels + channel;
                const float *from = N + 4 * i * apart + tile * channels + channel;
                const floats b = _mm512_loadu_ps(from + apart), c = _mm512_loadu_ps(from + 2 * apart);
                put(pixels, added, place, _mm512_loadu_ps(from) + b + c);
                put(pixels, added, place + channels, b - c - _mm512_loadu_ps(from + 3 * apart));
            }
}

/* The four pixels of a tile, each a product of its own, to two rows of pixels. */
static void scatter_row(const float *N, number *pixels, const number *added, int64_t width, int64_t channels) {
    const int64_t apart = TILES * channels + APART;
    for (int pixel = 0; pixel < 4; pixel++)
        for (int64_t tile = 0; tile < width / 2; tile++)
            for (int64_t channel = 0; channel < channels; channel += LANES)
                put(pixels, added, (pixel / 2 * width + 2 * tile + pixel % 2) * channels + channel,
                    _mm512_loadu_ps(N + pixel * apart + tile * channels + channel));
}

/* ---- Products ---- */

/* Adds to sums [rows][vectors] the products of a pair of each row, `step` numbers after that of the row before, and
   vectors of pairs. */
INLINE void add_products(floats *sums, const number *pairs, int64_t step, const number *vector, const int rows,
                         const int vectors) {
    __m512bh right[4];
    UNROLLED(int i = 0; i < vectors; i++)
        right[i] = (__m512bh)_mm512_loadu_si512(vector + 2 * LANES * i);
    UNROLLED(int row = 0; row < rows; row++) {
        int32_t pair;
        memcpy(&pair, pairs + row * step, sizeof pair);
        const __m512bh left = (__m512bh)_mm512_set1_epi32(pair);
        UNROLLED(int i = 0; i < vectors; i++) {
            floats *sum = sums + row * vectors + i;
            *sum = _mm512_dpbf16_ps(*sum, left, right[i]);
        }
    }
}

/* Column j of N = A' M: four products, contracted while they are in registers. */
INLINE void column_of_products(const number *V, const number *U, float *N, int j, const int inputs, const int outputs,
                               const int tiles, const int vectors) {
    const int apart = TILES * outputs + APART;
    floats sums[4][REGISTERS / 4];
    UNROLLED(int i = 0; i < 4; i++)
        UNROLLED(int k = 0; k < REGISTERS / 4; k++)
            sums[i][k] = _mm512_setzero_ps();
    for (int input = 0; input < inputs; input += 2)
        UNROLLED(int i = 0; i < 4; i++)
            add_products(sums[i], V + (4 * i + j) * (TILES * inputs + APART) + input, inputs,
                         U + ((int64_t)(4 * i + j) * inputs + input) * outputs, tiles, vectors);
    UNROLLED(int tile = 0; tile < tiles; tile++)
        UNROLLED(int i = 0; i < vectors; i++) {
            const int k = tile * vectors + i;
            float *to = N + j * apart + tile * outputs + LANES * i;
            _mm512_storeu_ps(to, sums[0][k] + sums[1][k] + sums[2][k]);
            _mm512_storeu_ps(to + 4 * apart, sums[1][k] - sums[2][k] - sums[3][k]);
        }
}

INLINE void products(const number *V, const number *U, float *N, const int inputs, const int outputs) {
    const int vectors = outputs % (2 * LANES) ? 1 : 2, tiles = REGISTERS / 4 / vectors;
    for (int j = 0; j < 4; j++)
        for (int output = 0; output < outputs; output += LANES * vectors)
            for (int tile = 0; tile < TILES; tile += tiles)
                column_of_products(V + tile * inputs, U + 2 * output, N + tile * outputs + output, j, inputs, outputs,
                                   tiles, vectors);
}

/* One pixel of tiles, from the gradient of a convolution of stride 2. A tile's first row of pixels lay under the
   filters' middle row alone, the second under the lower row of its own filters and the upper row of those below;
   columns likewise. The shifted gradients and the taps of a pixel are those from its first to the next one's. */
INLINE void pixel_of_products(const number *V, const number *U, float *N, int pixel, const int inputs,
                              const int outputs, const int tiles, const int vectors) {
    static const int first[5] = {0, 1, 3, 5, 9};
    static const int shifts[TAPS] = {0, 0, 1, 0, 2, 0, 1, 2, 3}, taps[TAPS] = {4, 5, 3, 7, 1, 8, 6, 2, 0};
    floats sums[REGISTERS];
    UNROLLED(int i = 0; i < REGISTERS; i++)
        sums[i] = _mm512_setzero_ps();
    for (int term = first[pixel]; term < first[pixel + 1]; term++)
        for (int input = 0; input < inputs; input += 2)
            add_products(sums, V + shifts[term] * (TILES * inputs + APART) + input, inputs,
                         U + ((int64_t)taps[term] * inputs + input) * outputs, tiles, vectors);
    UNROLLED(int tile = 0; tile < tiles; tile++)
        UNROLLED(int i = 0; i < vectors; i++)
            _mm512_storeu_ps(N + pixel * (TILES * outputs + APART) + tile * outputs + LANES * i,
                             sums[tile * vectors + i]);
}

/* How many vectors of outputs REGISTERS of sums are for. */
INLINE int vectors_of(int outputs) { return outputs % (4 * LANES) == 0 ? 4 : outputs % (2 * LANES) == 0 ? 2 : 1; }

INLINE void products_of_stride_2(const number *V, const number *U, float *N, const int inputs, const int outputs) {
    const int vectors = vectors_of(outputs), tiles = REGISTERS / vectors;
    for (int pixel = 0; pixel < 4; pixel++)
        for (int output = 0; output < outputs; output += LANES * vectors)
            for (int tile = 0; tile < TILES; tile += tiles)
                pixel_of_products(V + tile * inputs, U + 2 * output, N + tile * outputs + output, pixel, inputs,
                                  outputs, tiles, vectors);
}

static void multiply(const number *V, const number *U, float *N) { products(V, U, N, INPUTS, OUTPUTS); }

static void multiply_back(const number *V, const number *U, float *N) {
    if (STRIDE == 1)
        products(V, U, N, OUTPUTS, INPUTS);
    else
        products_of_stride_2(V, U, N, OUTPUTS, INPUTS);
}

/* D [INPUTS][OUTPUTS] = V' Z, added to what is there but for the first, for some inputs and outputs: sums over tiles
   in registers. */
INLINE void outer(const number *V, const number *Z, float *D, int is_first, int64_t tiles, const int some,
                  const int vectors) {
    floats sums[REGISTERS];
    UNROLLED(int input = 0; input < some; input++)
        UNROLLED(int i = 0; i < vectors; i++)
            sums[input * vectors + i] =
                is_first ? _mm512_setzero_ps() : _mm512_loadu_ps(D + input * OUTPUTS + LANES * i);
    for (int64_t tile = 0; tile < tiles; tile += 2)
        add_products(sums, V + tile * INPUTS, 2, Z + tile * OUTPUTS, some, vectors);
    UNROLLED(int input = 0; input < some; input++)
        UNROLLED(int i = 0; i < vectors; i++)
            _mm512_storeu_ps(D + input * OUTPUTS + LANES * i, sums[input * vectors + i]);
}

static void outers(const number *V, const number *Z, float *D, int is_first, int64_t tiles) {
    const int vectors = vectors_of(OUTPUTS), some = REGISTERS / vectors;
    for (int output = 0; output < OUTPUTS; output += LANES * vectors)
        for (int input = 0; input < INPUTS; input += some)
            outer(V + 2 * input, Z + 2 * output, D + input * OUTPUTS + output, is_first, tiles, some, vectors);
}

/* G' D G of 16 filters. */
INLINE void contract_filter(floats to[TAPS], const floats D[WINOGRAD]) {
    const floats half = _mm512_set1_ps(0.5f);
    floats s[3][4];
    UNROLLED(int j = 0; j < 4; j++) {
        const floats inner = half * (D[4 + j] + D[8 + j]);
        s[0][j] = D[j] + inner;
        s[1][j] = half * (D[4 + j] - D[8 + j]);
        s[2][j] = inner + D[12 + j];
    }
    UNROLLED(int i = 0; i < 3; i++) {
        const floats inner = half * (s[i][1] + s[i][2]);
        to[3 * i] = s[i][0] + inner;
        to[3 * i + 1] = half * (s[i][1] - s[i][2]);
        to[3 * i + 2] = inner + s[i][3];
    }
}

/* D [PARTS][MATRICES][INPUTS][OUTPUTS], added up in order, to gradients of filters. */
static void contract_filters(const float *D, float *filters) {
#pragma omp for
    for (int64_t input = 0; input < INPUTS; input++)
        for (int64_t output = 0; output < OUTPUTS; output += LANES) {
            floats sums[WINOGRAD], taps[TAPS];
            for (int64_t matrix = 0; matrix < MATRICES; matrix++) {
                const float *from = D + (matrix * INPUTS + input) * OUTPUTS + output;
                sums[matrix] = _mm512_loadu_ps(from);
                for (int64_t part = 1; part < PARTS; part++)
                    sums[matrix] += _mm512_loadu_ps(from + part * MATRICES * INPUTS * OUTPUTS);
            }
            if (STRIDE == 1)
                contract_filter(taps, sums);
            else
                memcpy(taps, sums, sizeof taps);
            for (int tap = 0; tap < TAPS; tap++)
                for (int lane = 0; lane < LANES; lane++)
                    filters[((output + lane) * TAPS + tap) * INPUTS + input] = taps[tap][lane];
        }
}

/* ---- What Python calls: 0, or 1 where there is no memory. Height and width are those of the side without stride.
 * ---- */

/* So many bytes of a room, which begins after them from now on, at a cache line's border. */
INLINE void *part(char **room, size_t bytes) {
    char *begin = *room;
    *room += (bytes + 63) / 64 * 64;
    return begin;
}

static int convolve(const number *from, const float *filters, const number *added, number *to, int64_t images,
                    int64_t height, int64_t width, int is_back, int threads) {
    const int channels = is_back ? OUTPUTS : INPUTS, results = is_back ? INPUTS : OUTPUTS;
    const int64_t tile_rows = images * height / 2, rows = TILES / (width / 2), blocks = (tile_rows + rows - 1) / rows;
    const int64_t apart = TILES * channels + APART;
    const size_t filter_size = sizeof(number) * MATRICES * INPUTS * OUTPUTS,
                 row_size = sizeof(number) * width * channels;
    const size_t pixel_size = sizeof(number) * WINOGRAD * apart;
    const size_t product_size = sizeof(float) * 2 * 4 * (TILES * results + APART);
    const size_t own_size = pixel_size + product_size + 2 * 64;
    char *all = aligned_alloc(64, (filter_size + row_size + threads * own_size + 3 * 64) / 64 * 64), *rest = all;
    if (!all)
        return 1;
    number *U = part(&rest, filter_size), *nothing = part(&rest, row_size);
    const picture of = {images, is_back ? height / STRIDE : height, is_back ? width / STRIDE : width, channels, from,
                        nothing};
    memset(nothing, 0, row_size);

#pragma omp parallel num_threads(threads)
    {
        char *own = rest + omp_get_thread_num() * own_size;
        number *V = part(&own, pixel_size);
        float *N = part(&own, product_size);
        memset(V, 0, pixel_size); /* the last block may have fewer tiles */
        if (is_back)
            expand_filters_back(filters, U);
        else
            expand_filters(filters, U);
#pragma omp for schedule(dynamic, (blocks + STRETCHES - 1) / STRETCHES)
        for (int64_t block = 0; block < blocks; block++) {
            const int64_t first = block * rows, some = tile_rows - first < rows ? tile_rows - first : rows;
            for (int64_t row = 0; row < some; row++) {
                number *place = V + row * (width / 2) * channels;
                if (STRIDE == 1)
                    expand_row(place, &of, first + row, apart);
                else
                    shift_row(place, &of, first + row, apart);
            }
            if (is_back)
                multiply_back(V, U, N);
            else
                multiply(V, U, N);
            for (int64_t row = 0; row < some; row++) {
                const int64_t place = 2 * (first + row) * width * results;
                const float *of_row = N + row * (width / 2) * results;
                const number *added_row = added ? added + place : 0;
                if (STRIDE == 1)
                    contract_row(of_row, to + place, added_row, width, results);
                else
                    scatter_row(of_row, to + place, added_row, width, results);
            }
        }
    }
    free(all);
    return 0;
}

#if STRIDE == 1

/* From pixels [images, H, W, INPUTS] to [images, H, W, OUTPUTS]. */
int forward(const number *pixels, const float *filters, number *to, int64_t images, int64_t height, int64_t width,
            int threads) {
    return convolve(pixels, filters, 0, to, images, height, width, 0, threads);
}

#endif

/* From a gradient [images, H/STRIDE, W/STRIDE, OUTPUTS] to that of pixels [images, H, W, INPUTS], to which numbers of
   the same shape may be added. */
int pixel_gradient(const number *gradient, const float *filters, const number *added, number *to, int64_t images,
                   int64_t height, int64_t width, int threads) {
    return convolve(gradient, filters, added, to, images, height, width, 1, threads);
}

/* From pixels [images, H, W, INPUTS] and a gradient [images, H/STRIDE, W/STRIDE, OUTPUTS] to that of filters. */
int filter_gradient(const number *pixels, const number *gradient, float *filters, int64_t images, int64_t height,
                    int64_t width, int threads) {
    const int64_t tile_rows = images * height / 2, rows = MANY / (width / 2), blocks = (tile_rows + rows - 1) / rows;
    const int64_t apart = MANY * INPUTS + APART, gradients_apart = MANY * OUTPUTS + APART;
    const size_t row_size = sizeof(number) * width * INPUTS, sum_size = sizeof(float) * MATRICES * INPUTS * OUTPUTS;
    const size_t pixel_size = sizeof(number) * MATRICES * apart,
                 gradient_size = sizeof(number) * GRADIENTS * gradients_apart;
    const size_t own_size = pixel_size + gradient_size + 2 * 64;
    char *all = aligned_alloc(64, (row_size + PARTS * sum_size + threads * own_size + 3 * 64) / 64 * 64), *rest = all;
    if (!all)
        return 1;
    number *nothing = part(&rest, row_size);
    float *D = part(&rest, PARTS * sum_size);
    const picture of = {images, height, width, INPUTS, pixels, nothing};
    const picture above = {images, height / STRIDE, width / STRIDE, OUTPUTS, gradient, 0};
    memset(nothing, 0, row_size);

#pragma omp parallel num_threads(threads)
    {
        char *own = rest + omp_get_thread_num() * own_size;
        number *V = part(&own, pixel_size), *Z = part(&own, gradient_size);
#pragma omp for schedule(dynamic, 1)
        for (int64_t some_blocks = 0; some_blocks < PARTS; some_blocks++) {
            float *sums = D + some_blocks * MATRICES * INPUTS * OUTPUTS;
            const int64_t begin = blocks * some_blocks / PARTS, end = blocks * (some_blocks + 1) / PARTS;
            if (begin == end)
                memset(sums, 0, sum_size);
            for (int64_t block = begin; block < end; block++) {
                const int64_t first = block * rows, some = tile_rows - first < rows ? tile_rows - first : rows;
                for (int64_t row = 0; row < some; row++) {
                    number *place = V + row * (width / 2) * INPUTS, *beside = Z + row * (width / 2) * OUTPUTS;
                    if (STRIDE == 1) {
                        expand_row_in_pairs(place, &of, first + row, apart);
                        expand_gradient_in_pairs(beside, &above, first + row, gradients_apart);
                    } else {
                        shift_row_in_pairs(place, &of, first + row, apart);
                        copy_gradient_in_pairs(beside, &above, first + row);
                    }
                }
                for (int64_t matrix = 0; matrix < MATRICES; matrix++)
                    outers(V + matrix * apart, Z + matrix % GRADIENTS * gradients_apart,
                           sums + matrix * INPUTS * OUTPUTS, block == begin, some * (width / 2));
            }
        }
        contract_filters(D, filters);
    }
    free(all);
    return 0;
}
