// SPDX-License-Identifier: Apache-2.0
// What lies in the database, byte for byte, as the official client's bridge hands it out.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";

// Packages are where KURRENTGATE_NODE_MODULES says, not beside the tests.
export const require = createRequire(path.join(process.env.KURRENTGATE_NODE_MODULES, "x.js"));

const { START } = require("@kurrent/kurrentdb-client");

// The client itself parses JSON; its bridge has the source.
export async function readBytes(client, stream) {
	const events = [];
	const batches = client.rustClient.readStream(stream, {
		credentials: undefined, direction: "forwards", fromRevision: START,
		maxCount: BigInt(Number.MAX_SAFE_INTEGER), requiresLeader: false, resolvesLink: false,
	});
	for await (const batch of batches)
		for (const { event } of batch)
			events.push({ ...event, data: Buffer.from(event.data), metadata: Buffer.from(event.metadata) });
	return events;
}

export function assertBytes(actual, expected) {
	assert.equal(actual.toString("hex"), Buffer.from(expected).toString("hex"));
}
