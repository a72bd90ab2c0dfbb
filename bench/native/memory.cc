// The machine's memory: `memory read|copy` prints GB/s (read; read and written) over all cores as a trial's JSON.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

int main(int argc, char** argv) {
  const bool copy = argc > 1 && std::string(argv[1]) == "copy";
  const size_t count = argc > 2 ? std::stoul(argv[2]) : size_t{138357544};
  const size_t workers = std::max(1u, std::thread::hardware_concurrency());
  std::vector<float> from(count, 1.0f), to(copy ? count : 0, 2.0f);
  std::vector<float> sums(workers * 16);
  std::vector<double> seconds;
  for (int round = 0; round < 7; ++round) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (size_t w = 0; w < workers; ++w)
      threads.emplace_back([&, w] {
        const size_t begin = count * w / workers, end = count * (w + 1) / workers;
        if (copy) {
          std::memcpy(to.data() + begin, from.data() + begin, (end - begin) * sizeof(float));
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
    for (auto& thread : threads) thread.join();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  volatile float kept = sums[0] + (copy ? to[count - 1] : 0);
  (void)kept;
  std::sort(seconds.begin(), seconds.end());
  const double bytes = static_cast<double>(count) * sizeof(float) * (copy ? 2 : 1);
  std::printf("{\"value\": %.3f, \"peakBytes\": null}\n", bytes / seconds[seconds.size() / 2] / 1e9);
}
