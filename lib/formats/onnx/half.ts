/** float16 (IEEE 754 binary16) and bfloat16 bits widened to float32, which is exact, and float32 narrowed to float16. */

let table: Float32Array | undefined;

/** The value of every float16 bit pattern. */
function float16Values(): Float32Array {
  if (table) return table;
  table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const magnitude =
      exponent === 31
        ? fraction === 0
          ? Number.POSITIVE_INFINITY
          : Number.NaN
        : exponent === 0
          ? fraction * 2 ** -24
          : (1024 + fraction) * 2 ** (exponent - 25);
    table[bits] = sign * magnitude;
  }
  return table;
}

/** @param out receives the values, from its start on. */
export function widenFloat16(bits: Uint16Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  const values = float16Values();
  for (let index = 0; index < bits.length; index++) out[index] = values[bits[index] ?? 0] ?? 0;
  return out;
}

export function widenBfloat16(bits: Uint16Array): Float32Array {
  const out = new Uint32Array(bits.length);
  for (let index = 0; index < bits.length; index++) out[index] = (bits[index] ?? 0) << 16;
  return new Float32Array(out.buffer);
}

const LARGEST = 0x7bff;

/** Float16 bits of the nearest values, ties to even; beyond the largest float16 the largest. */
export function narrowFloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? 0;
    out[index] = ((word >>> 16) & 0x8000) | narrowed(word & 0x7fffffff);
  }
  return out;
}

/** Of a float32's bits without their sign. */
function narrowed(word: number): number {
  if (word > 0x7f800000) return 0x7e00;
  const exponent = word >>> 23;
  if (exponent >= 143) return LARGEST;
  // 2⁻¹⁴ and more keep ten bits of the fraction; below, the bits lost grow until nothing is left.
  if (exponent >= 113) return Math.min(LARGEST, rounded(word - 0x38000000, 13));
  return exponent < 102 ? 0 : rounded((word & 0x7fffff) | 0x800000, 126 - exponent);
}

/** word / 2^bits to the nearest, ties to even. */
function rounded(word: number, bits: number): number {
  const whole = word >>> bits;
  const rest = word & ((1 << bits) - 1);
  const half = 1 << (bits - 1);
  return rest > half || (rest === half && (whole & 1) === 1) ? whole + 1 : whole;
}
