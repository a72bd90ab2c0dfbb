// The machine's memory: `memory read|copy|copy-new FLOATS` prints GB/s (read; read and written) over all cores as a
// trial's JSON. copy-new copies into memory that the system has just given, as a program does that needs a result once.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>
#if !defined(_WIN32)
#include <sys/mman.h>
#endif

using Work = std::function<void(size_t worker, size_t begin, size_t end)>;

void overAllCores(size_t count, size_t workers, const Work& work) {
  std::vector<std::thread> threads;
  for (size_t w = 0; w < workers; ++w) threads.emplace_back(work, w, count * w / workers, count * (w + 1) / workers);
  for (auto& thread : threads) thread.join();
}

float* take(size_t bytes) {
#if defined(_WIN32)
  return static_cast<float*>(malloc(bytes));
#else
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<float*>(memory);
#endif
}

void give(float* memory, [[maybe_unused]] size_t bytes) {
#if defined(_WIN32)
  free(memory);
#else
  munmap(memory, bytes);
#endif
}

int main(int argc, char** argv) {
  const std::string kind = argc > 1 ? argv[1] : "read";
  const size_t count = argc > 2 ? std::stoul(argv[2]) : size_t{138357544};
  const size_t workers = std::max(1u, std::thread::hardware_concurrency());
  std::vector<float> from(count, 1.0f), used(kind == "copy" ? count : 0, 2.0f);
  std::vector<float> sums(workers * 16);
  std::vector<double> seconds;
  float kept = 0;
  for (int round = 0; round < 15; ++round) {
    const auto start = std::chrono::steady_clock::now();
    float* const made = kind == "copy-new" ? take(count * sizeof(float)) : nullptr;
    float* const to = made == nullptr ? used.data() : made;
    if (kind == "copy-new" && made == nullptr) return 1;
    overAllCores(count, workers, [&](size_t w, size_t begin, size_t end) {
      if (kind != "read") {
        std::memcpy(to + begin, from.data() + begin, (end - begin) * sizeof(float));
        return;
      }
      float lanes[64] = {};
      size_t i = begin;
      for (; i + 64 <= end; i += 64)
        for (size_t l = 0; l < 64; ++l) lanes[l] += from[i + l];
      float sum = 0;
      for (float lane : lanes) sum += lane;
      sums[w * 16] = sum;
    });
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    kept += kind == "read" ? sums[0] : to[count - 1];
    if (made != nullptr) give(made, count * sizeof(float));
  }
  volatile float seen = kept;
  (void)seen;
  std::sort(seconds.begin(), seconds.end());
  const double bytes = static_cast<double>(count) * sizeof(float) * (kind == "read" ? 1 : 2);
  std::printf("{\"value\": %.3f, \"peakBytes\": null}\n", bytes / seconds[seconds.size() / 2] / 1e9);
}
