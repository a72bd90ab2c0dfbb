/** The thread that `propose` hands long work to. */

import { parentPort } from 'node:worker_threads';
import { messageOf } from '../errors.js';
import { type ProposalReply, type ProposalRequest, proposeHere } from './propose.js';

parentPort?.on('message', (request: ProposalRequest) => {
  let reply: ProposalReply;
  try {
    reply = { points: proposeHere(request) };
  } catch (error) {
    reply = { error: messageOf(error) };
  }
  parentPort?.postMessage(reply);
});
