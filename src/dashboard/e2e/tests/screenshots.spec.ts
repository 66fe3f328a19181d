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

    for (const [name, path, title] of [
        ['budgets', '/admin/budgets', 'Budgets'],
        ['tags', '/admin/tags', 'Tags'],
        ['keys', '/admin/keys', 'API keys'],
        ['prices', '/models', 'Prices'],
    ] as const) {
        test(name, async ({ page, dashboard }) => {
            await dashboard.logIn(`${path}?tenant=${acmeId()}`);
            await dashboard.shows(title);
            await page.screenshot({ path: `${IMAGES}dashboard-${name}.png`, scale: 'css' });
        });
    }

    test('what if', async ({ page, dashboard }) => {
        await dashboard.logIn(`/what-if?tenant=${acmeId()}&range=7d`);
        await dashboard.shows('What if');
        const change = page.getByRole('group', { name: 'Change 1' });
        await change.getByLabel('Limit').fill('0.0002');
        await page.getByRole('button', { name: 'Replay' }).click();
        await expect(page.getByRole('region', { name: 'Answer' })).toBeVisible();
        await page.screenshot({ path: `${IMAGES}dashboard-what-if.png`, scale: 'css' });
    });

    test('policies', async ({ page, dashboard }) => {
        await dashboard.logIn(`/policies?tenant=${acmeId()}`);
        await page.getByRole('button', { name: 'New version' }).click();
        await expect(page.getByLabel('Rules in Rego')).toBeVisible();
        await page.screenshot({ path: `${IMAGES}dashboard-policies.png`, scale: 'css' });
    });

    test('system status', async ({ page, dashboard }) => {
        await dashboard.logIn('/settings');
        await dashboard.shows('System status');
        await page.screenshot({ path: `${IMAGES}dashboard-status.png`, scale: 'css' });
    });
});
