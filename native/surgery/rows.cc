#include "rows.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include "../parallel.h"
#include "../simd/kernels.h"
#include "sinks.h"

namespace tascnet {
namespace {

constexpr std::size_t kSegmentBytes = 256 * 1024;
constexpr std::size_t kWorthwhile = 64;  // bytes that a run needs on average to be better than equal short slices
constexpr std::size_t kMostFixed = 128;  // slices up to this long have a copy of their own
constexpr std::size_t kLanes = 16;
constexpr std::size_t kSparse = 8;  // where fewer than one in so many stay, reading all of them is slower
constexpr std::size_t kMasksPerSegment = kSegmentBytes / (kLanes * 4);
constexpr std::size_t kMasksPerBatch = kBatch / (kLanes * 4);

using CopySlices = void (*)(const std::int32_t* keep, std::size_t count, const char* source, char* target);

// A size known to the compiler is a few moves instead of a call.
template <std::size_t Bytes>
void copySlices(const std::int32_t* keep, std::size_t count, const char* source, char* target) {
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(target + i * Bytes, source + static_cast<std::size_t>(keep[i]) * Bytes, Bytes);
  }
}

constexpr auto kCopies = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::array<CopySlices, sizeof...(I)>{copySlices<I + 1>...};
}(std::make_index_sequence<kMostFixed>{});

}  // namespace

Rows::Rows(std::size_t bytes) {
  addRun(0, bytes);
  segments_ = runs_.size();
}

Rows::Rows(const std::vector<std::int32_t>& keep, std::size_t extent, std::size_t bytes, std::size_t element)
    : keep_(&keep), slice_(bytes) {
  std::size_t changes = 0;
  bool ascending = true;
  for (std::size_t i = 1; i < keep.size(); ++i) {
    changes += keep[i] != keep[i - 1] + 1;
    ascending = ascending && keep[i] > keep[i - 1];
  }
  const std::size_t total = keep.size() * bytes;
  if (total == 0) return;
  if (total >= kWorthwhile * (changes + 1) && (changes + 1 < keep.size() || bytes > kSegmentBytes)) {
    for (std::size_t i = 0; i < keep.size();) {
      std::size_t last = i + 1;
      while (last < keep.size() && keep[last] == keep[last - 1] + 1) ++last;
      addRun(static_cast<std::size_t>(keep[i]) * bytes, (last - i) * bytes);
      i = last;
    }
    runsPerSegment_ = std::max<std::size_t>(1, kSegmentBytes * runs_.size() / total);
    segments_ = ceilDivide(runs_.size(), runsPerSegment_);
  } else if (bytes == 4 && element == 4 && ascending && extent >= kLanes && keep.size() * kSparse >= extent) {
    becomeLanes(extent);
  } else {
    way_ = Way::slices;
    bytes_ = total;
    slicesPerSegment_ = std::max<std::size_t>(1, kSegmentBytes / bytes);
    segments_ = ceilDivide(keep.size(), slicesPerSegment_);
  }
}

// Long ones in pieces.
void Rows::addRun(std::size_t from, std::size_t bytes) {
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t piece = std::min(bytes - done, kSegmentBytes);
    runs_.push_back({from + done, bytes_, piece});
    bytes_ += piece;
    done += piece;
  }
}

void Rows::becomeLanes(std::size_t extent) {
  way_ = Way::lanes;
  bytes_ = keep_->size() * 4;
  masks_.resize(extent / kLanes);
  for (const std::int32_t index : *keep_) {
    const std::size_t group = static_cast<std::size_t>(index) / kLanes;
    if (group < masks_.size()) {
      masks_[group] = static_cast<std::uint16_t>(masks_[group] | 1U << (static_cast<std::size_t>(index) % kLanes));
    } else {
      rest_.push_back(index);
    }
  }
  segments_ = ceilDivide(masks_.size(), kMasksPerSegment);
  std::size_t before = 0;
  for (std::size_t group = 0; group < masks_.size(); ++group) {
    if (group % kMasksPerSegment == 0) starts_.push_back(before);
    before += static_cast<std::size_t>(std::popcount(masks_[group]));
  }
}

std::size_t Rows::offset(std::size_t segment) const {
  switch (way_) {
    case Way::runs:
      return runs_[segment * runsPerSegment_].to;
    case Way::slices:
      return segment * slicesPerSegment_ * slice_;
    case Way::lanes:
      return starts_[segment] * 4;
  }
  return 0;
}

template <class Sink>
void Rows::write(std::size_t begin, std::size_t end, const char* source, Sink& sink) const {
  if (way_ == Way::runs) {
    const std::size_t last = std::min(runs_.size(), end * runsPerSegment_);
    for (std::size_t i = begin * runsPerSegment_; i < last; ++i) sink.take(source + runs_[i].from, runs_[i].bytes);
  } else if (way_ == Way::slices) {
    const std::int32_t* keep = keep_->data() + begin * slicesPerSegment_;
    const std::int32_t* const last = keep_->data() + std::min(keep_->size(), end * slicesPerSegment_);
    if (slice_ > kMostFixed) {
      for (; keep < last; ++keep) sink.take(source + static_cast<std::size_t>(*keep) * slice_, slice_);
    }
    while (keep < last) {
      const std::size_t count = std::min(static_cast<std::size_t>(last - keep), kBatch / slice_);
      kCopies[slice_ - 1](keep, count, source, sink.at());
      sink.wrote(count * slice_);
      keep += count;
    }
  } else {
    const std::size_t last = std::min(masks_.size(), end * kMasksPerSegment);
    for (std::size_t first = begin * kMasksPerSegment; first < last; first += kMasksPerBatch) {
      const std::size_t count = std::min(last - first, kMasksPerBatch);
      const char* const behind =
          kernels().selectLanes(source + first * kLanes * 4, masks_.data() + first, count, sink.at(), sink.limit());
      sink.wrote(static_cast<std::size_t>(behind - sink.at()));
    }
    if (end == segments_) {
      copySlices<4>(rest_.data(), rest_.size(), source, sink.at());
      sink.wrote(rest_.size() * 4);
    }
  }
}

template void Rows::write(std::size_t, std::size_t, const char*, Direct&) const;
#ifdef TASCNET_STREAMS
template void Rows::write(std::size_t, std::size_t, const char*, Streamed&) const;
#endif

}  // namespace tascnet
