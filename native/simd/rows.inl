// Part of kernels.inl: rows of channels that lie side by side, as the values of a network do channels-last.

// Sums over rows of V vectors of channels, which stay in registers: Σ first(row), Σ second(row).
template <std::size_t V, class Op>
TASCNET_TARGET TASCNET_INLINE void sumVectors(const float* x, const float* y, const float* center, std::size_t rows,
                                              std::size_t channels, double* sums, double* others) {
  FloatLanes first[V] = {};
  FloatLanes second[V] = {};
  FloatLanes middle[V];
  for (std::size_t v = 0; v < V; ++v) load(middle[v], center + v * kFloats);
  for (std::size_t row = 0; row < rows; ++row, x += channels, y += channels) {
    TASCNET_UNROLL
    for (std::size_t v = 0; v < V; ++v) {
      FloatLanes a;
      FloatLanes b;
      load(a, x + v * kFloats);
      load(b, y + v * kFloats);
      Op::add(first[v], second[v], a - middle[v], b);
    }
  }
  float lanes[V * kFloats];
  std::memcpy(lanes, first, sizeof lanes);
  for (std::size_t i = 0; i < V * kFloats; ++i) sums[i] += static_cast<double>(lanes[i]);
  std::memcpy(lanes, second, sizeof lanes);
  for (std::size_t i = 0; i < V * kFloats; ++i) others[i] += static_cast<double>(lanes[i]);
}

// `centred` is x − center, `other` is y.
struct Moments {
  template <class T>
  TASCNET_TARGET static TASCNET_INLINE void add(T& first, T& second, const T& centred, const T&) {
    first = first + centred;
    second = second + centred * centred;
  }
};

struct WithGradient {
  template <class T>
  TASCNET_TARGET static TASCNET_INLINE void add(T& first, T& second, const T& centred, const T& other) {
    first = first + other;
    second = second + centred * other;
  }
};

template <class Op>
TASCNET_TARGET TASCNET_INLINE void sumRows(const float* x, const float* y, const float* center, std::size_t rows,
                                           std::size_t channels, double* sums, double* others) {
  std::size_t c = 0;
  for (; c + 4 * kFloats <= channels; c += 4 * kFloats) {
    sumVectors<4, Op>(x + c, y + c, center + c, rows, channels, sums + c, others + c);
  }
  for (; c + kFloats <= channels; c += kFloats) {
    sumVectors<1, Op>(x + c, y + c, center + c, rows, channels, sums + c, others + c);
  }
  for (; c < channels; ++c) {
    float first = 0;
    float second = 0;
    for (std::size_t at = c; at < rows * channels; at += channels) Op::add(first, second, x[at] - center[c], y[at]);
    sums[c] += static_cast<double>(first);
    others[c] += static_cast<double>(second);
  }
}

TASCNET_TARGET inline void addMoments(const float* x, const float* center, std::size_t rows, std::size_t channels,
                                      double* sums, double* squares) {
  sumRows<Moments>(x, x, center, rows, channels, sums, squares);
}

TASCNET_TARGET inline void addGradientSums(const float* gradient, const float* x, const float* center,
                                           std::size_t rows, std::size_t channels, double* sums, double* products) {
  sumRows<WithGradient>(x, gradient, center, rows, channels, sums, products);
}

TASCNET_TARGET inline void scaleRows(const float* __restrict x, const float* __restrict center,
                                     const float* __restrict factor, const float* __restrict offset, std::size_t rows,
                                     std::size_t channels, float* __restrict y) {
  for (std::size_t row = 0; row < rows; ++row, x += channels, y += channels) {
    for (std::size_t c = 0; c < channels; ++c) y[c] = (x[c] - center[c]) * factor[c] + offset[c];
  }
}

TASCNET_TARGET inline void combineRows(const float* __restrict gradient, const float* __restrict x,
                                       const float* __restrict center, const float* __restrict ofGradient,
                                       const float* __restrict ofX, const float* __restrict offset, std::size_t rows,
                                       std::size_t channels, float* __restrict y) {
  for (std::size_t row = 0; row < rows; ++row, gradient += channels, x += channels, y += channels) {
    for (std::size_t c = 0; c < channels; ++c) {
      y[c] = gradient[c] * ofGradient[c] + (x[c] - center[c]) * ofX[c] + offset[c];
    }
  }
}

// y(i) += x(i)·factor for rows whose beginnings lie strideX and strideY apart; the factors of V vectors stay in registers.
template <std::size_t V>
TASCNET_TARGET TASCNET_INLINE void addScaledVectors(const float* x, std::size_t strideX, const float* factor,
                                                    std::size_t rows, float* y, std::size_t strideY) {
  FloatLanes factors[V];
  for (std::size_t v = 0; v < V; ++v) load(factors[v], factor + v * kFloats);
  for (std::size_t row = 0; row < rows; ++row, x += strideX, y += strideY) {
    TASCNET_UNROLL
    for (std::size_t v = 0; v < V; ++v) {
      FloatLanes from;
      FloatLanes into;
      load(from, x + v * kFloats);
      load(into, y + v * kFloats);
      into = into + from * factors[v];
      std::memcpy(y + v * kFloats, &into, sizeof into);
    }
  }
}

TASCNET_TARGET inline void addScaledRows(const float* x, std::size_t strideX, const float* factor, std::size_t rows,
                                         std::size_t channels, float* y, std::size_t strideY) {
  std::size_t c = 0;
  for (; c + 4 * kFloats <= channels; c += 4 * kFloats) {
    addScaledVectors<4>(x + c, strideX, factor + c, rows, y + c, strideY);
  }
  for (; c + kFloats <= channels; c += kFloats) {
    addScaledVectors<1>(x + c, strideX, factor + c, rows, y + c, strideY);
  }
  for (; c < channels; ++c) {
    for (std::size_t row = 0; row < rows; ++row) y[row * strideY + c] += x[row * strideX + c] * factor[c];
  }
}

// sums += Σ x(i)·y(i), in float, over rows whose beginnings lie strideX and strideY apart.
template <std::size_t V>
TASCNET_TARGET TASCNET_INLINE void addProductVectors(const float* x, std::size_t strideX, const float* y,
                                                     std::size_t strideY, std::size_t rows, float* sums) {
  FloatLanes total[V];
  for (std::size_t v = 0; v < V; ++v) load(total[v], sums + v * kFloats);
  for (std::size_t row = 0; row < rows; ++row, x += strideX, y += strideY) {
    TASCNET_UNROLL
    for (std::size_t v = 0; v < V; ++v) {
      FloatLanes a;
      FloatLanes b;
      load(a, x + v * kFloats);
      load(b, y + v * kFloats);
      total[v] = total[v] + a * b;
    }
  }
  std::memcpy(sums, total, sizeof total);
}

TASCNET_TARGET inline void addProductRows(const float* x, std::size_t strideX, const float* y, std::size_t strideY,
                                          std::size_t rows, std::size_t channels, float* sums) {
  std::size_t c = 0;
  for (; c + 4 * kFloats <= channels; c += 4 * kFloats) {
    addProductVectors<4>(x + c, strideX, y + c, strideY, rows, sums + c);
  }
  for (; c + kFloats <= channels; c += kFloats) {
    addProductVectors<1>(x + c, strideX, y + c, strideY, rows, sums + c);
  }
  for (; c < channels; ++c) {
    for (std::size_t row = 0; row < rows; ++row) sums[c] += x[row * strideX + c] * y[row * strideY + c];
  }
}
