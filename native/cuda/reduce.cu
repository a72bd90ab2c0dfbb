// Sums or maxima over the elements of every channel of a tensor [outer, channels, inner], each element widened to double
// first. Long runs of a channel are shared out among the threads of a block; where channels lie side by side, every thread
// takes a column, so that neighbours read neighbouring addresses. The sums of parts are joined in order: no atomics, the same
// result every time.
#include "memory.h"

namespace {

constexpr unsigned kThreads = 256;
constexpr std::size_t kShortRun = 32;
constexpr std::size_t kBlocks = 1024;  // enough to fill a device

enum Kind : int { l1, sumSquares, linf, product };

__device__ double term(int kind, float a, float b) {
  const double wide = static_cast<double>(a);
  if (kind == sumSquares) return wide * wide;
  if (kind == product) return wide * static_cast<double>(b);
  return wide < 0 ? -wide : wide;
}

// NaN stays.
__device__ double join(int kind, double a, double b) {
  if (kind != linf) return a + b;
  return b > a || b != b ? b : a;
}

__global__ void reduceRuns(const float* x, const float* other, std::size_t channels, std::size_t positions,
                           std::size_t inner, int kind, std::size_t perPart, double* partial) {
  __shared__ double sums[kThreads];
  const std::size_t channel = blockIdx.x;
  const std::size_t begin = blockIdx.y * perPart;
  const std::size_t end = begin + perPart < positions ? begin + perPart : positions;
  double sum = 0;
  for (std::size_t k = begin + threadIdx.x; k < end; k += kThreads) {
    const std::size_t at = (k / inner * channels + channel) * inner + k % inner;
    sum = join(kind, sum, term(kind, x[at], kind == product ? other[at] : 0.0F));
  }
  sums[threadIdx.x] = sum;
  __syncthreads();
  for (unsigned half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) sums[threadIdx.x] = join(kind, sums[threadIdx.x], sums[threadIdx.x + half]);
    __syncthreads();
  }
  if (threadIdx.x == 0) partial[blockIdx.y * channels + channel] = sums[0];
}

__global__ void reduceColumns(const float* x, const float* other, std::size_t outer, std::size_t row, int kind,
                              std::size_t perPart, double* partial) {
  const std::size_t column = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (column >= row) return;
  const std::size_t begin = blockIdx.y * perPart;
  const std::size_t end = begin + perPart < outer ? begin + perPart : outer;
  double sum = 0;
  for (std::size_t o = begin; o < end; ++o) {
    const std::size_t at = o * row + column;
    sum = join(kind, sum, term(kind, x[at], kind == product ? other[at] : 0.0F));
  }
  partial[blockIdx.y * row + column] = sum;
}

// Per channel over all parts, and over the `repeat` columns that belong to it.
__global__ void joinParts(const double* partial, std::size_t channels, std::size_t repeat, std::size_t parts, int kind,
                          double* scores) {
  const std::size_t channel = static_cast<std::size_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (channel >= channels) return;
  double sum = 0;
  for (std::size_t part = 0; part < parts; ++part) {
    for (std::size_t r = 0; r < repeat; ++r) {
      sum = join(kind, sum, partial[(part * channels + channel) * repeat + r]);
    }
  }
  scores[channel] = sum;
}

std::size_t ceilDivide(std::size_t a, std::size_t b) { return a / b + (a % b != 0 ? 1 : 0); }

dim3 blocksFor(std::size_t threads) { return dim3(static_cast<unsigned>(ceilDivide(threads, kThreads))); }

}  // namespace

void reduce(const float* x, const float* other, std::size_t outer, std::size_t channels, std::size_t inner,
            int reduction, double* scores) {
  constexpr const char* kName = "reduce";
  const std::size_t elements = outer * channels * inner;
  if (elements == 0) check(cudaErrorInvalidValue, kName);
  Stream& queue = stream(kName);
  const bool both = reduction == product;
  const DeviceMemory<float> input(elements, kName);
  const DeviceMemory<float> second(both ? elements : 0, kName);
  queue.upload(input.data(), x, elements * sizeof(float), kName);
  if (both) queue.upload(second.data(), other, elements * sizeof(float), kName);

  const bool runs = inner >= kShortRun;
  const std::size_t length = runs ? outer * inner : outer;
  const std::size_t blocks = runs ? channels : ceilDivide(channels * inner, kThreads);
  const std::size_t shortest = runs ? 16 * kThreads : 64;
  const std::size_t wanted = std::max<std::size_t>(1, std::min(kBlocks / blocks, ceilDivide(length, shortest)));
  const std::size_t perPart = ceilDivide(length, wanted);
  const std::size_t parts = ceilDivide(length, perPart);
  const std::size_t repeat = runs ? 1 : inner;
  const DeviceMemory<double> partial(parts * channels * repeat, kName);
  const DeviceMemory<double> result(channels, kName);
  const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(parts));
  if (runs) {
    queue.launch(kName, reduceRuns, grid, dim3(kThreads), input.data(), second.data(), channels, length, inner,
                 reduction, perPart, partial.data());
  } else {
    queue.launch(kName, reduceColumns, grid, dim3(kThreads), input.data(), second.data(), outer, channels * inner,
                 reduction, perPart, partial.data());
  }
  queue.launch(kName, joinParts, blocksFor(channels), dim3(kThreads), partial.data(), channels, repeat, parts,
               reduction, result.data());
  queue.download(scores, result.data(), channels * sizeof(double), kName);
}
