// Runs a target where the compiler brings no libFuzzer: first the corpus, then random inputs and changed ones of the
// corpus, without looking at coverage. Takes libFuzzer's options that scripts/fuzz.mjs passes.
//
//   TARGET [-runs=N] [-max_total_time=SECONDS] [-seed=N] [-max_len=N] [-artifact_prefix=PATH] FOLDER|FILE…
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <csignal>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" void __sanitizer_set_death_callback(void (*callback)());

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes current;
std::string artifact = "crash";

void keepCurrent() {
  std::ofstream(artifact, std::ios::binary).write(reinterpret_cast<const char*>(current.data()),
                                                   static_cast<std::streamsize>(current.size()));
  std::fprintf(stderr, "The input is kept as %s\n", artifact.c_str());
}

void onAbort(int) {
  keepCurrent();
  std::_Exit(77);
}

void run(const Bytes& bytes) {
  current = bytes;
  current.shrink_to_fit();
  LLVMFuzzerTestOneInput(current.data(), current.size());
}

Bytes changed(const std::vector<Bytes>& corpus, std::size_t longest, std::mt19937_64& random) {
  Bytes bytes;
  if (!corpus.empty() && random() % 4 != 0) bytes = corpus[random() % corpus.size()];
  if (bytes.empty()) bytes.resize(random() % (longest / 4) + 1);
  for (std::size_t changes = random() % 8 + 1; changes > 0; --changes) {
    const std::size_t at = random() % bytes.size();
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<std::uint8_t>(random());
        break;
      case 1:
        bytes[at] ^= static_cast<std::uint8_t>(1U << random() % 8);
        break;
      case 2:
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(random()));
        break;
      default:
        if (bytes.size() > 1) bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  if (bytes.size() > longest) bytes.resize(longest);
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t runs = UINT64_MAX;
  std::uint64_t seed = 1;
  std::size_t longest = 4096;
  double seconds = 1e18;
  std::vector<Bytes> corpus;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::string value = argument.substr(argument.find('=') + 1);
    if (argument.rfind("-runs=", 0) == 0) runs = std::stoull(value);
    else if (argument.rfind("-max_total_time=", 0) == 0) seconds = std::stod(value);
    else if (argument.rfind("-seed=", 0) == 0) seed = std::stoull(value);
    else if (argument.rfind("-max_len=", 0) == 0) longest = std::stoull(value);
    else if (argument.rfind("-artifact_prefix=", 0) == 0) artifact = value + "crash";
    else if (argument.rfind('-', 0) != 0 && std::filesystem::exists(argument)) {
      std::vector<std::filesystem::path> files = {argument};
      if (std::filesystem::is_directory(argument)) {
        files.assign(std::filesystem::directory_iterator(argument), std::filesystem::directory_iterator());
      }
      for (const auto& path : files) {
        std::ifstream file(path, std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
      }
    }
  }
  __sanitizer_set_death_callback(keepCurrent);
  std::signal(SIGABRT, onAbort);
  for (const Bytes& bytes : corpus) run(bytes);
  std::mt19937_64 random(seed);
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t done = 0;
  for (; done < runs; ++done) {
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() > seconds) break;
    run(changed(corpus, longest, random));
  }
  std::fprintf(stderr, "Done %llu runs beyond the corpus of %zu\n", static_cast<unsigned long long>(done), corpus.size());
  return 0;
}
