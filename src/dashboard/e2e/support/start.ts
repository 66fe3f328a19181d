import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { furnish } from './furnish';
import { ADMIN_KEY } from './gateway';
import { freePort, Program } from './processes';
import { startPrefixProxy } from './proxy';

/** Starts the stand-in for providers, a gateway before it with real data, and a proxy in front. */
export default async function start(): Promise<() => Promise<void>> {
    const folder = await mkdtemp(join(tmpdir(), 'budgetguard-e2e-'));
    const [simulatorPort, port] = [await freePort(), await freePort()];
    const simulatorUrl = `http://127.0.0.1:${simulatorPort}`;
    const gatewayUrl = `http://127.0.0.1:${port}`;
    const simulator = new Program(
        folder,
        ['simulate-provider', '--listen', `127.0.0.1:${simulatorPort}`],
        {},
    );
    const gateway = new Program(folder, ['serve'], {
        HOST: '127.0.0.1',
        PORT: String(port),
        DATA_DIR: join(folder, 'data'),
        ADMIN_API_KEY: ADMIN_KEY,
        MAX_REQS_PER_MIN: '0',
        OPENAI_BASE_URL: simulatorUrl,
        ANTHROPIC_BASE_URL: simulatorUrl,
        GOOGLE_BASE_URL: simulatorUrl,
        OPENAI_KEY: 'sk-provider-key-that-nobody-may-see',
        ANTHROPIC_API_KEY: 'sk-ant-provider-key-that-nobody-may-see',
        GOOGLE_API_KEY: 'google-provider-key-that-nobody-may-see',
    });
    const stop = async () => {
        await gateway.stop();
        await simulator.stop();
        await rm(folder, { recursive: true, force: true });
    };
    try {
        await simulator.answers(`${simulatorUrl}/__simulator/calls`);
        await gateway.answers(`${gatewayUrl}/health`);
        process.env.E2E_GATEWAY = gatewayUrl;
        const proxy = await startPrefixProxy(gatewayUrl);
        process.env.E2E_PREFIXED = proxy.url;
        await furnish();
        return async () => {
            await proxy.close();
            await stop();
        };
    } catch (error) {
        await stop();
        throw error;
    }
}
