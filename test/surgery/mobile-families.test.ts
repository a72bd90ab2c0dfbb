import { MOBILE_FAMILIES } from '../models/mobile-families.js';
import { testFamilies } from './families.js';

testFamilies(MOBILE_FAMILIES, {
  // Channels that grouped convolutions on both sides of a shuffle tie to each other, all in the end.
  shufflenetV1: { pinned: /depend on each other/ },
});
