/** What surgery did, in terms of the original file: replayable on it, and the `plan.json` of the command line. */

export interface Plan {
  groups: {
    id: string;
    /** Before the removal. */
    channels: number;
    removed: number[];
    /** Removed channels whose consumers' weights were added to those of a survivor: [from, into]. */
    merged: [number, number][];
    /** Every initializer of the original that was cut, its axis and the indices taken out of it. */
    members: { tensor: string; axis: number; removed: number[] }[];
  }[];
  pinned: { node: string; reason: string }[];
}
