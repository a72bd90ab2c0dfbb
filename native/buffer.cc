#include "buffer.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace tascnet {
namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;
constexpr std::size_t kLeastKept = std::size_t{1} << 18;  // below, the allocator's own memory is as quick
constexpr std::size_t kMostKept = std::size_t{1} << 25;   // all together

struct Kept {
  std::mutex mutex;
  std::array<ScratchBlock, 16> blocks;  // of which `count` are there, the one given last at the end
  std::size_t count = 0;
  std::size_t bytes = 0;

  ScratchBlock remove(std::size_t index) {
    const ScratchBlock block = blocks[index];
    std::copy(blocks.begin() + index + 1, blocks.begin() + count, blocks.begin() + index);
    bytes -= block.bytes;
    --count;
    return block;
  }
};

Kept& kept() {
  // Never destroyed: at exit other threads may still give memory back.
  static Kept* const instance = new Kept;
  return *instance;
}

std::align_val_t alignmentOf(std::size_t bytes) {
  return std::align_val_t{bytes < kHugePage ? kScratchAlignment : kHugePage};
}

void release(const ScratchBlock& block) noexcept { ::operator delete(block.data, alignmentOf(block.bytes)); }

}  // namespace

void preferHugePages([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (bytes < kHugePage) return;
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(data) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(data) + bytes;
  // Advice alone: where it is refused, pages are small.
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

ScratchBlock takeScratch(std::size_t bytes) {
  if (bytes >= kLeastKept && bytes <= kMostKept) {
    Kept& all = kept();
    const std::lock_guard lock(all.mutex);
    for (std::size_t i = all.count; i-- > 0;) {
      if (all.blocks[i].bytes >= bytes && all.blocks[i].bytes / 2 <= bytes) return all.remove(i);
    }
  }
  const std::size_t whole = bytes < kHugePage ? bytes : (bytes + kHugePage - 1) / kHugePage * kHugePage;
  const ScratchBlock block = {::operator new(whole, alignmentOf(whole)), whole};
  preferHugePages(block.data, block.bytes);
  return block;
}

void giveScratch(const ScratchBlock& block) noexcept {
  if (block.bytes < kLeastKept || block.bytes > kMostKept) return release(block);
  Kept& all = kept();
  const std::lock_guard lock(all.mutex);
  while (all.count == all.blocks.size() || all.bytes + block.bytes > kMostKept) release(all.remove(0));
  all.blocks[all.count++] = block;
  all.bytes += block.bytes;
}

}  // namespace tascnet
