/** Consecutive numbers, cut from one list: a loop over thousands of elements takes longer than all else that is done with them. */

let known = new Int32Array(0);

/** first, first + 1, … */
export function consecutive(length: number, first = 0): Int32Array {
  const end = first + length;
  if (end > known.length) {
    const longer = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(1024, end))));
    longer.set(known);
    for (let at = known.length; at < longer.length; at++) longer[at] = at;
    known = longer;
  }
  return known.slice(first, end);
}
