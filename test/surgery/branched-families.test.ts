import { BRANCHED_FAMILIES } from '../models/branched-families.js';
import { testFamilies } from './families.js';

testFamilies(BRANCHED_FAMILIES);
