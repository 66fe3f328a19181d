import { defineConfig } from '@playwright/test';

/** The distribution's browser: none is ever downloaded. */
const chromium = process.env.CHROMIUM_BIN ?? '/usr/bin/chromium';

export default defineConfig({
    testDir: 'e2e/tests',
    globalSetup: './e2e/support/start.ts',
    workers: 2,
    fullyParallel: true,
    forbidOnly: true,
    retries: 0,
    timeout: 90_000,
    expect: { timeout: 20_000 },
    reporter: [['list']],
    use: {
        browserName: 'chromium',
        locale: 'en-US',
        timezoneId: 'Asia/Tokyo',
        viewport: { width: 1280, height: 800 },
        trace: 'off',
        launchOptions: {
            executablePath: chromium,
            args: [
                '--no-sandbox',
                '--disable-gpu',
                '--disable-quic',
                '--no-first-run',
                '--disable-background-networking',
                '--disable-component-update',
                '--disable-sync',
            ],
        },
    },
});
