#include "gather.h"

#include <algorithm>
#include <cstring>

namespace tascnet {
namespace {

using Block = Gather::Block;

struct Axis {
  std::size_t extent;
  const std::vector<std::int32_t>* keep;  // null: all of it
};

std::vector<Axis> axesOf(const Cut& cut) {
  std::vector<Axis> axes;
  for (std::size_t a = 0; a < cut.dims.size(); ++a) {
    const auto found =
        std::find_if(cut.axes.begin(), cut.axes.end(), [&](const AxisCut& axis) { return axis.axis == a; });
    const bool whole = found == cut.axes.end();
    if (whole && !axes.empty() && axes.back().keep == nullptr) {
      axes.back().extent *= cut.dims[a];
    } else {
      axes.push_back({cut.dims[a], whole ? nullptr : &found->keep});
    }
  }
  return axes;
}

constexpr std::size_t kLongBlock = 4096;  // from here on a block is a row of its own, so that rows can be shared out
constexpr std::size_t kWorthwhile = 64;   // bytes that a run needs on average to be better than equal short blocks

std::vector<Block> blocksOf(const std::vector<std::int32_t>& keep, std::size_t bytes) {
  std::vector<Block> single;
  std::vector<Block> runs;
  for (const std::int32_t index : keep) {
    const std::size_t from = static_cast<std::size_t>(index) * bytes;
    single.push_back({from, bytes});
    if (!runs.empty() && runs.back().from + runs.back().bytes == from) {
      runs.back().bytes += bytes;
    } else {
      runs.push_back({from, bytes});
    }
  }
  return keep.size() * bytes >= kWorthwhile * runs.size() ? runs : single;
}

template <std::size_t Bytes>
void copyBlocks(const std::vector<Block>& blocks, const char* source, char* target) {
  for (const Block& block : blocks) {
    std::memcpy(target, source + block.from, Bytes);
    target += Bytes;
  }
}

// Short blocks as two overlapping copies of a fixed size, which beats a call of memcpy.
void copyShort(const char* source, char* target, std::size_t bytes) {
  char first[32];
  char last[32];
  std::memcpy(first, source, sizeof first);
  std::memcpy(last, source + bytes - sizeof last, sizeof last);
  std::memcpy(target, first, sizeof first);
  std::memcpy(target + bytes - sizeof last, last, sizeof last);
}

}  // namespace

Gather::Gather(const Cut& cut) : source_(static_cast<const char*>(cut.data)), target_(static_cast<char*>(cut.out)) {
  std::vector<Axis> axes = axesOf(cut);
  std::size_t stride = sizeOf(cut.type);
  if (!axes.empty() && axes.back().keep == nullptr) {
    stride *= axes.back().extent;
    axes.pop_back();
  }
  if (axes.empty() || stride >= kLongBlock) {
    blocks_.push_back({0, stride});
  } else {
    blocks_ = blocksOf(*axes.back().keep, stride);
    stride *= axes.back().extent;
    axes.pop_back();
  }
  for (const Block& block : blocks_) rowBytes_ += block.bytes;
  const bool equal = std::all_of(blocks_.begin(), blocks_.end(),
                                 [&](const Block& block) { return block.bytes == blocks_.front().bytes; });
  if (equal && !blocks_.empty()) blockBytes_ = blocks_.front().bytes;
  for (; !axes.empty(); axes.pop_back()) {
    const Axis& axis = axes.back();
    std::vector<std::size_t> offsets(axis.keep == nullptr ? axis.extent : axis.keep->size());
    for (std::size_t i = 0; i < offsets.size(); ++i) {
      offsets[i] = (axis.keep == nullptr ? i : static_cast<std::size_t>((*axis.keep)[i])) * stride;
    }
    rows_ *= offsets.size();
    stride *= axis.extent;
    outer_.insert(outer_.begin(), std::move(offsets));
  }
  if (rowBytes_ == 0) rows_ = 0;
}

void Gather::copyRows(std::size_t begin, std::size_t end) const {
  for (std::size_t row = begin; row < end; ++row) {
    std::size_t rest = row;
    std::size_t offset = 0;
    for (std::size_t a = outer_.size(); a-- > 0;) {
      offset += outer_[a][rest % outer_[a].size()];
      rest /= outer_[a].size();
    }
    const char* const source = source_ + offset;
    char* target = target_ + row * rowBytes_;
    switch (blockBytes_) {
      case 1:
        copyBlocks<1>(blocks_, source, target);
        continue;
      case 2:
        copyBlocks<2>(blocks_, source, target);
        continue;
      case 4:
        copyBlocks<4>(blocks_, source, target);
        continue;
      case 8:
        copyBlocks<8>(blocks_, source, target);
        continue;
      case 36:
        copyBlocks<36>(blocks_, source, target);
        continue;
      default:
        break;
    }
    for (const Block& block : blocks_) {
      if (block.bytes >= 32 && block.bytes <= 64) {
        copyShort(source + block.from, target, block.bytes);
      } else {
        std::memcpy(target, source + block.from, block.bytes);
      }
      target += block.bytes;
    }
  }
}

}  // namespace tascnet
