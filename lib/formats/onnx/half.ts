/** float16 (IEEE 754 binary16) and bfloat16 bits widened to float32; both are exact. */

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

export function widenFloat16(bits: Uint16Array): Float32Array {
  const values = float16Values();
  const out = new Float32Array(bits.length);
  for (let index = 0; index < bits.length; index++) out[index] = values[bits[index] ?? 0] ?? 0;
  return out;
}

export function widenBfloat16(bits: Uint16Array): Float32Array {
  const out = new Uint32Array(bits.length);
  for (let index = 0; index < bits.length; index++) out[index] = (bits[index] ?? 0) << 16;
  return new Float32Array(out.buffer);
}
