import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** Where the gateway is while the pages are developed. */
const gateway = process.env.BUDGETGUARD_URL ?? 'http://127.0.0.1:3000';

export default defineConfig({
    // Every URL is relative, so that the pages work under any path prefix.
    base: './',
    plugins: [react()],
    resolve: { alias: { '~': fileURLToPath(new URL('./src', import.meta.url)) } },
    build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 1000 },
    // The pages are at /dashboard/, as the gateway serves them, because they call ../admin/.
    server: {
        proxy: {
            '/admin': { target: gateway },
            '/health': { target: gateway },
        },
    },
});
