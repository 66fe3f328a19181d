import { createServer, request } from 'node:http';

export const PREFIX = '/team/budgets';

/** A reverse proxy that serves the gateway under a path, as an ingress does: it takes the path off. */
export async function startPrefixProxy(
    target: string,
): Promise<{ url: string; close: () => Promise<void> }> {
    const to = new URL(target);
    const server = createServer((incoming, answer) => {
        const path = incoming.url ?? '/';
        if (!path.startsWith(`${PREFIX}/`)) {
            answer.writeHead(404).end();
            return;
        }
        const { method, headers } = incoming;
        const options = { hostname: to.hostname, port: to.port, path: path.slice(PREFIX.length) };
        const onward = request({ ...options, method, headers }, (reply) => {
            answer.writeHead(reply.statusCode ?? 502, reply.headers);
            reply.pipe(answer);
        });
        onward.on('error', () => answer.destroy());
        incoming.pipe(onward);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return {
        url: `http://127.0.0.1:${address.port}${PREFIX}`,
        close: () =>
            new Promise((resolve) => {
                server.closeAllConnections();
                server.close(() => {
                    resolve();
                });
            }),
    };
}
