/* Batch norm in training mode, an addition and a rectifier in one: z = max(norm(x) + added, 0), and its gradients.

   Between two convolutions memory is the bottleneck. `forward` reads x twice (statistics, then result) and writes z;
   `backward` reads gradient and x twice and writes over the gradient, or beside it where there is an addition. Single
   operations pass over memory about twice as often. Formulas are those of `fusion.py`, which compiles this file once
   for bfloat16 (-DBFLOAT16) and once for float32.

   Arrays of `numbers` lie channels last: row after row of `channels` numbers. They are read in spans of 64, each of 4
   vectors: 64 is a multiple of `channels` or divides it, so that a place in a row of max(64, channels) numbers always
   belongs to the same channel. Per-channel values are repeated to that width. Sums are float32 over blocks of rows,
   float64 over blocks and then, in order, over threads: a given number of threads gives the same bits each time. */

#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <string.h>

#if !defined(__GNUC__) || defined(__clang__)
#error "expected gcc, whose OpenMP shares its threads with torch"
#endif

enum { LANES = 16, VECTORS = 4, SPAN = LANES * VECTORS, BLOCK = 256 /* rows whose sum is float32 */ };

typedef float floats __attribute__((vector_size(4 * LANES)));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));
typedef uint16_t halves __attribute__((vector_size(2 * LANES)));

#ifdef BFLOAT16

typedef uint16_t number; /* the upper half of a float32 */

static inline floats load(const number *from) {
    halves half;
    memcpy(&half, from, sizeof half);
    return (floats)(__builtin_convertvector(half, words) << 16);
}

/* Rounded to nearest, ties to even; of what is not a number the upper half, made quiet. */
static inline void store(number *to, floats value) {
    words word = (words)value, broken = (words)(value != value);
    words rounded = (word + 0x7fff + ((word >> 16) & 1)) >> 16;
    words quiet = (word >> 16) | 0x40;
    halves half = __builtin_convertvector((rounded & ~broken) | (quiet & broken), halves);
    memcpy(to, &half, sizeof half);
}

#else

typedef float number;

static inline floats load(const number *from) {
    floats value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline void store(number *to, floats value) { memcpy(to, &value, sizeof value); }

#endif

static inline floats load_float(const float *from) {
    floats value;
    memcpy(&value, from, sizeof value);
    return value;
}

/* The values where `mask` is set, 0 elsewhere. */
static inline floats where(words mask, floats values) { return (floats)((words)values & mask); }

static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static void repeat(const float *of_channels, int64_t channels, float *row) {
    for (int64_t i = 0; i < larger(SPAN, channels); i++) row[i] = of_channels[i % channels];
}

/* Adds two sums per place of a span to the sums of its channels. */
static void gather(const floats first[VECTORS], const floats second[VECTORS], int64_t offset, int64_t channels,
                   double *sums) {
    for (int vector = 0; vector < VECTORS; vector++)
        for (int lane = 0; lane < LANES; lane++) {
            int64_t channel = (offset + vector * LANES + lane) % channels;
            sums[channel] += first[vector][lane];
            sums[channels + channel] += second[vector][lane];
        }
}

/* Means of the channels over the first rows: near enough to the mean for sums of x - origin to lose no digits. */
static void first_means(const number *x, int64_t rows, int64_t width, int64_t channels, double *sums, float *means) {
    const int64_t some = smaller(rows, BLOCK);
    const floats nothing[VECTORS] = {0};
    memset(sums, 0, sizeof(double) * 2 * channels);
    for (int64_t offset = 0; offset < width; offset += SPAN) {
        floats sum[VECTORS] = {0};
        for (int64_t row = 0; row < some; row++)
            for (int vector = 0; vector < VECTORS; vector++)
                sum[vector] += load(x + row * width + offset + vector * LANES);
        gather(sum, nothing, offset, channels, sums);
    }
    for (int64_t channel = 0; channel < channels; channel++) means[channel] = sums[channel] * channels / (some * width);
}

/* Threads' sums [threads][2][channels] added up, in order, to those of the first. */
static void add_up(double *sums, int threads, int64_t channels) {
    for (int64_t thread = 1; thread < threads; thread++)
        for (int64_t i = 0; i < 2 * channels; i++) sums[i] += sums[thread * 2 * channels + i];
}

/* `kept` [4][channels]: mean, 1 / sqrt(variance + eps), scale and shift of norm(x) = scale x + shift. `added` may be
   null. `sums` is room for [threads][2][channels]. */
void forward(const number *x, const number *added, number *z, int64_t numbers, int64_t channels, const float *weight,
             const float *bias, float eps, float momentum, float *running_mean, float *running_variance, float *kept,
             double *sums, int threads) {
    const int64_t width = larger(SPAN, channels), rows = numbers / width;
    float origin[width], scales[width], shifts[width], near[channels];
    first_means(x, rows, width, channels, sums, near);
    repeat(near, channels, origin);
    memset(sums, 0, sizeof(double) * threads * 2 * channels);

#pragma omp parallel num_threads(threads)
    {
        const int64_t thread = omp_get_thread_num(), team = omp_get_num_threads();
        const int64_t begin = rows * thread / team, end = rows * (thread + 1) / team;
        for (int64_t start = begin; start < end; start += BLOCK)
            for (int64_t offset = 0; offset < width; offset += SPAN) {
                floats sum[VECTORS] = {0}, squares[VECTORS] = {0};
                for (int64_t row = start; row < smaller(start + BLOCK, end); row++)
                    for (int vector = 0; vector < VECTORS; vector++) {
                        const int64_t place = offset + vector * LANES;
                        floats value = load(x + row * width + place) - load_float(origin + place);
                        sum[vector] += value;
                        squares[vector] += value * value;
                    }
                gather(sum, squares, offset, channels, sums + thread * 2 * channels);
            }
#pragma omp barrier
#pragma omp single
        {
            const double count = (double)numbers / channels;
            add_up(sums, threads, channels);
            for (int64_t channel = 0; channel < channels; channel++) {
                double distance = sums[channel] / count, mean = near[channel] + distance;
                double variance = sums[channels + channel] / count - distance * distance;
                if (variance < 0) variance = 0; /* what is not a number stays */
                double inverse = 1 / sqrt(variance + eps), scale = weight[channel] * inverse;
                kept[channel] = mean;
                kept[channels + channel] = inverse;
                kept[2 * channels + channel] = scale;
                kept[3 * channels + channel] = bias[channel] - mean * scale;
                running_mean[channel] += momentum * ((float)mean - running_mean[channel]);
                running_variance[channel] +=
                    momentum * ((float)(variance * count / (count - 1)) - running_variance[channel]);
            }
            repeat(kept + 2 * channels, channels, scales);
            repeat(kept + 3 * channels, channels, shifts);
        }
        for (int64_t row = begin; row < end; row++)
            for (int64_t place = 0; place < width; place += LANES) {
                const int64_t at = row * width + place;
                floats value = load_float(scales + place) * load(x + at) + load_float(shifts + place);
                if (added) value += load(added + at);
                store(z + at, where(~(words)(value <= 0), value)); /* what is not a number stays */
            }
    }
}

/* The gradient of z, in place, becomes that of `added` where z is given, or else that of x, which is then the same
   array as `of_x`. `sums` is room for [threads][2][channels]. */
void backward(number *gradient, const number *x, const number *z, number *of_x, int64_t numbers, int64_t channels,
              const float *kept, float *of_weight, float *of_bias, double *sums, int threads) {
    const int64_t width = larger(SPAN, channels), rows = numbers / width;
    float means[width], scales[width], shifts[width], slopes[width], constants[width];
    float slope[channels], constant[channels];
    repeat(kept, channels, means);
    repeat(kept + 2 * channels, channels, scales);
    repeat(kept + 3 * channels, channels, shifts);
    memset(sums, 0, sizeof(double) * threads * 2 * channels);

#pragma omp parallel num_threads(threads)
    {
        const int64_t thread = omp_get_thread_num(), team = omp_get_num_threads();
        const int64_t begin = rows * thread / team, end = rows * (thread + 1) / team;
        for (int64_t start = begin; start < end; start += BLOCK)
            for (int64_t offset = 0; offset < width; offset += SPAN) {
                floats sum[VECTORS] = {0}, products[VECTORS] = {0};
                for (int64_t row = start; row < smaller(start + BLOCK, end); row++)
                    for (int vector = 0; vector < VECTORS; vector++) {
                        const int64_t place = offset + vector * LANES, at = row * width + place;
                        floats value = load(x + at), passed = load(gradient + at), result;
                        result = z ? load(z + at) : load_float(scales + place) * value + load_float(shifts + place);
                        passed = where(~(words)(result <= 0), passed);
                        if (z) store(gradient + at, passed);
                        sum[vector] += passed;
                        products[vector] += passed * (value - load_float(means + place));
                    }
                gather(sum, products, offset, channels, sums + thread * 2 * channels);
            }
#pragma omp barrier
#pragma omp single
        {
            const double count = (double)numbers / channels;
            add_up(sums, threads, channels);
            for (int64_t channel = 0; channel < channels; channel++) {
                const double mean = kept[channel], inverse = kept[channels + channel];
                const double scale = kept[2 * channels + channel];
                of_bias[channel] = sums[channel];
                of_weight[channel] = sums[channels + channel] * inverse;
                slope[channel] = -scale * inverse * of_weight[channel] / count;
                constant[channel] = -scale * sums[channel] / count - slope[channel] * mean;
            }
            repeat(slope, channels, slopes);
            repeat(constant, channels, constants);
        }
        for (int64_t row = begin; row < end; row++)
            for (int64_t place = 0; place < width; place += LANES) {
                const int64_t at = row * width + place;
                floats value = load(x + at), passed = load(gradient + at), scale = load_float(scales + place);
                if (!z) passed = where(~(words)(scale * value + load_float(shifts + place) <= 0), passed);
                store(of_x + at, scale * passed + load_float(slopes + place) * value + load_float(constants + place));
            }
    }
}
