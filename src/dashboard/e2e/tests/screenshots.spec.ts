import { fileURLToPath } from 'node:url';

import { SESSION } from '../support/furnish';
import { acmeId } from '../support/gateway';
import { expect, test } from '../support/test';

const IMAGES = fileURLToPath(new URL('../../../../docs/images/', import.meta.url));

// `npm run screenshots` makes the pictures of the documentation anew; tests leave them alone.
test.describe('@screenshots', () => {
    test.skip(process.env.SCREENSHOTS === undefined, 'only by `npm run screenshots`');
    test.use({ viewport: { width: 1200, height: 750 }, timezoneId: 'UTC' });

    test('budget health', async ({ page, dashboard }) => {
        await dashboard.logIn();
        await dashboard.shows('Budget health');
        await page.screenshot({ path: `${IMAGES}dashboard-health.png`, scale: 'css' });
    });

    test('usage insights', async ({ page, dashboard }) => {
        await dashboard.logIn(`/usage-insights?tenant=${acmeId()}&range=7d`);
        await dashboard.shows('Usage insights');
        await page.screenshot({ path: `${IMAGES}dashboard-insights.png`, scale: 'css' });
    });

    test('usage ledger', async ({ page, dashboard }) => {
        await page.emulateMedia({ colorScheme: 'dark' });
        await dashboard.logIn('/usage-tracking');
        await page.getByRole('gridcell').first().click();
        await expect(page.getByRole('region', { name: 'Chain' })).toBeVisible();
        await page.screenshot({ path: `${IMAGES}dashboard-ledger.png`, scale: 'css' });
    });

    test('sessions', async ({ page, dashboard }) => {
        await dashboard.logIn(`/sessions?tenant=${acmeId()}`);
        await page.getByRole('button', { name: `Requests of ${SESSION}` }).click();
        await expect(page.getByRole('table', { name: `Requests of ${SESSION}` })).toBeVisible();
        await page.screenshot({ path: `${IMAGES}dashboard-sessions.png`, scale: 'css' });
    });

    test('system status', async ({ page, dashboard }) => {
        await dashboard.logIn('/settings');
        await dashboard.shows('System status');
        await page.screenshot({ path: `${IMAGES}dashboard-status.png`, scale: 'css' });
    });
});
