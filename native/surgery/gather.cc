#include "gather.h"

#include <algorithm>

#include "sinks.h"

namespace tascnet {
namespace {

constexpr std::size_t kStreamed = 16 * 1024 * 1024;  // results from here on do not stay in the caches anyway
constexpr std::size_t kIndices = 2048;               // of a long row
constexpr std::size_t kMostIndex = 0x7FFFFFFF;

struct Axis {
  std::size_t extent;
  const std::vector<std::int32_t>* keep;  // null: all of it
};

bool keepsAll(const std::vector<std::int32_t>& keep, std::size_t extent) {
  if (keep.size() != extent) return false;
  for (std::size_t i = 0; i < extent; ++i) {
    if (keep[i] != static_cast<std::int32_t>(i)) return false;
  }
  return true;
}

std::vector<Axis> axesOf(const Cut& cut) {
  std::vector<Axis> axes;
  for (std::size_t a = 0; a < cut.dims.size(); ++a) {
    const auto found =
        std::find_if(cut.axes.begin(), cut.axes.end(), [&](const AxisCut& axis) { return axis.axis == a; });
    const bool whole = found == cut.axes.end() || keepsAll(found->keep, cut.dims[a]);
    if (whole && !axes.empty() && axes.back().keep == nullptr) {
      axes.back().extent *= cut.dims[a];
    } else {
      axes.push_back({cut.dims[a], whole ? nullptr : &found->keep});
    }
  }
  return axes;
}

// Short rows that lie side by side are one long row: how many, of `rows`.
std::size_t rowsTogether(const Axis& row, std::size_t rows) {
  const std::size_t most = std::min({rows, kIndices / std::max<std::size_t>(1, row.keep->size()),
                                     kMostIndex / std::max<std::size_t>(1, row.extent)});
  for (std::size_t together = most; together > 1; --together) {
    if (rows % together == 0) return together;
  }
  return 1;
}

std::vector<std::int32_t> repeated(const Axis& row, std::size_t times) {
  std::vector<std::int32_t> keep;
  keep.reserve(row.keep->size() * times);
  for (std::size_t i = 0; i < times; ++i) {
    for (const std::int32_t index : *row.keep) keep.push_back(index + static_cast<std::int32_t>(i * row.extent));
  }
  return keep;
}

}  // namespace

Gather::Gather(const Cut& cut) : source_(static_cast<const char*>(cut.data)), target_(static_cast<char*>(cut.out)) {
  std::vector<Axis> axes = axesOf(cut);
  const std::size_t element = sizeOf(cut.type);
  std::size_t stride = element;
  if (!axes.empty() && axes.back().keep == nullptr) {
    stride *= axes.back().extent;
    axes.pop_back();
  }
  if (axes.empty()) {
    row_ = std::make_unique<Rows>(stride);
  } else {
    Axis row = axes.back();
    axes.pop_back();
    if (!axes.empty() && axes.back().keep == nullptr) {
      const std::size_t together = rowsTogether(row, axes.back().extent);
      folded_ = repeated(row, together);
      row = {row.extent * together, &folded_};
      axes.back().extent /= together;
    }
    row_ = std::make_unique<Rows>(*row.keep, row.extent, stride, element);
    stride *= row.extent;
  }
  for (; !axes.empty(); axes.pop_back()) {
    const Axis& axis = axes.back();
    loops_.push_back({axis.keep == nullptr ? axis.extent : axis.keep->size(), stride, axis.keep});
    rows_ *= loops_.back().extent;
    stride *= axis.extent;
  }
  if (row_->bytes() == 0) rows_ = 0;
  // New memory is in the caches already, where the system has just cleared it.
  streamed_ = bytes() >= kStreamed && !cut.fresh;
}

template <class Sink>
void Gather::write(std::size_t begin, std::size_t end, Sink& sink) const {
  const std::size_t segments = row_->segments();
  const std::size_t first = begin / segments;
  const std::size_t last = (end - 1) / segments;
  std::vector<std::size_t> at(loops_.size());
  std::size_t rest = first;
  for (std::size_t l = 0; l < loops_.size(); ++l) {
    at[l] = rest % loops_[l].extent;
    rest /= loops_[l].extent;
  }
  for (std::size_t row = first; row <= last; ++row) {
    std::size_t offset = 0;
    for (std::size_t l = 0; l < loops_.size(); ++l) offset += loops_[l].offset(at[l]);
    row_->write(row == first ? begin % segments : 0, row == last ? end - last * segments : segments, source_ + offset,
                sink);
    for (std::size_t l = 0; l < loops_.size() && ++at[l] == loops_[l].extent; ++l) at[l] = 0;
  }
  sink.end();
}

char* Gather::placeOf(std::size_t piece) const {
  const std::size_t segment = piece % row_->segments();
  return target_ + piece / row_->segments() * row_->bytes() + (segment == 0 ? 0 : row_->offset(segment));
}

void Gather::copy(std::size_t begin, std::size_t end) const {
  if (begin == end) return;
#ifdef TASCNET_STREAMS
  if (streamed_) {
    Streamed sink(placeOf(begin));
    return write(begin, end, sink);
  }
#endif
  Direct sink(placeOf(begin), placeOf(end));
  write(begin, end, sink);
}

}  // namespace tascnet
