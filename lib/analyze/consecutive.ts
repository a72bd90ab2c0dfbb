/** Consecutive numbers, cut from one list: a loop over thousands of elements takes longer than all else that is done with them. */

let known = new Int32Array(0);

/** first, first + 1, … */
export function consecutive(length: number, first = 0): Int32Array {
  return upTo(first + length).slice(first, first + length);
}

/** Whether these are 0, 1, … */
export function isIdentity(numbers: Int32Array): boolean {
  return bytesOf(numbers).equals(bytesOf(upTo(numbers.length).subarray(0, numbers.length)));
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** At least so many numbers from 0. */
function upTo(end: number): Int32Array {
  if (end > known.length) {
    const longer = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(1024, end))));
    longer.set(known);
    for (let at = known.length; at < longer.length; at++) longer[at] = at;
    known = longer;
  }
  return known;
}
