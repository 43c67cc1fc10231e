// SPDX-License-Identifier: Apache-2.0
// devdb and gateway on free loopback ports; their logs are shown when something goes wrong.

import { spawn } from "node:child_process";
import net from "node:net";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const SLOWNESS = Math.max(1, Number(process.env.KURRENTGATE_TEST_SLOWNESS || 1));
const START_MS = 10000 * SLOWNESS;
const STOP_MS = 15000 * SLOWNESS;

function programPath(variable, name) {
	return path.resolve(process.env[variable] ||
		path.join(process.env.top_builddir || process.cwd(), name));
}

// Outside the range that the kernel hands out by itself, so that nobody takes it meanwhile.
function freePort() {
	return new Promise((resolve) => {
		const port = 12000 + Math.floor(Math.random() * 20000);
		const server = net.createServer();
		server.on("error", () => resolve(freePort()));
		server.listen(port, "127.0.0.1", () => server.close(() => resolve(port)));
	});
}

const KEPT_NAMES = ["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"];

// Only what a program needs to run: nothing configures the daemon behind our back.
function cleanEnvironment() {
	return Object.fromEntries(Object.entries(process.env)
		.filter(([name]) => KEPT_NAMES.includes(name) || name.endsWith("SAN_OPTIONS")));
}

async function waitFor(condition, milliseconds, what) {
	const end = Date.now() + milliseconds;
	while (!(await condition())) {
		if (Date.now() > end)
			throw new Error(`not within ${milliseconds} ms: ${what()}`);
		await pause(10);
	}
}

class Child {
	constructor(name, argv) {
		this.name = name;
		this.log = "";
		this.status = undefined;
		this.process = spawn(argv[0], argv.slice(1), {
			env: cleanEnvironment(), stdio: ["ignore", "pipe", "pipe"],
		});
		for (const output of [this.process.stdout, this.process.stderr])
			output.on("data", (piece) => { this.log = (this.log + piece).slice(-20000); });
		this.ended = new Promise((resolve) => {
			this.process.on("error", (error) => resolve(`no start: ${error.message}`));
			this.process.on("close", (code, signal) => resolve(signal || code));
		}).then((status) => { this.status = status; });
	}

	// Waits until GET url is 200.
	async answers(url) {
		const ask = async () => {
			if (this.status !== undefined)
				throw new Error(`${this.name} ended with ${this.status}:\n${this.log}`);
			try {
				return (await fetch(url)).status === 200;
			} catch {
				return false;
			}
		};
		await waitFor(ask, START_MS, () => `${this.name} answers ${url}:\n${this.log}`);
	}

	async stop() {
		if (this.status === undefined)
			this.process.kill("SIGTERM");
		const hard = setTimeout(() => this.process.kill("SIGABRT"), STOP_MS);
		await this.ended;
		clearTimeout(hard);
		if (this.status !== 0)
			throw new Error(`${this.name} ended with ${this.status}:\n${this.log}`);
	}
}

export class Processes {
	constructor() {
		this.children = [];
	}

	// Starts a devdb with users and TLS, alone, and returns its port.
	async startSecure(cert, key, user) {
		const [port, adminPort] = [await freePort(), await freePort()];
		await this.run("kurrentgate-devdb", "KURRENTGATE_DEVDB",
			["--listen", `127.0.0.1:${port}`, "--admin", `127.0.0.1:${adminPort}`,
				"--tls-cert", cert, "--tls-key", key, "--user", user],
			`http://127.0.0.1:${adminPort}/readyz`);
		return port;
	}

	// Starts both and returns their addresses.
	async start() {
		const [databasePort, adminPort, gatewayPort] =
			[await freePort(), await freePort(), await freePort()];
		const database = `127.0.0.1:${databasePort}`;
		const gateway = `127.0.0.1:${gatewayPort}`;
		await this.run("kurrentgate-devdb", "KURRENTGATE_DEVDB",
			["--listen", database, "--admin", `127.0.0.1:${adminPort}`],
			`http://127.0.0.1:${adminPort}/readyz`);
		await this.run("kurrentgate", "KURRENTGATE",
			[`--database=kurrentdb://${database}?tls=false`, `--listen=${gateway}`],
			`http://${gateway}/readyz`);
		return { database, gateway };
	}

	async run(name, variable, args, url) {
		const child = new Child(name, [programPath(variable, name), ...args]);
		this.children.push(child);
		await child.answers(url);
	}

	async stop() {
		for (const child of this.children.reverse())
			await child.stop();
	}
}
