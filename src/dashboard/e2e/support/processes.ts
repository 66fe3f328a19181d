import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 15_000;
const PAUSE_MS = 100;

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
}

/** One subcommand of the program, with nothing of the developer's environment. */
export class Program {
    private readonly child: ChildProcess;
    private readonly log: string;

    constructor(folder: string, args: [string, ...string[]], env: Record<string, string>) {
        const program = process.env.BUDGETGUARD_BIN;
        if (program === undefined) throw new Error('BUDGETGUARD_BIN does not name the program');
        this.log = join(folder, `${args[0]}.log`);
        const log = openSync(this.log, 'w');
        this.child = spawn(program, args, {
            cwd: folder,
            env: { PATH: process.env.PATH, HOME: folder, ...env },
            stdio: ['ignore', log, log],
        });
    }

    /** Waits until it answers at this address. */
    async answers(url: string): Promise<void> {
        const deadline = Date.now() + START_MS_MAX;
        for (;;) {
            const answer = await fetch(url).catch(() => null);
            if (answer?.ok) return;
            if (this.child.exitCode !== null || Date.now() > deadline) {
                throw new Error(`${url} does not answer:\n${readFileSync(this.log, 'utf8')}`);
            }
            await pause(PAUSE_MS);
        }
    }

    async stop(): Promise<void> {
        if (this.child.exitCode !== null) return;
        const ended = new Promise((resolve) => this.child.once('exit', resolve));
        this.child.kill('SIGTERM');
        const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS_MAX);
        await ended;
        clearTimeout(timer);
    }
}
