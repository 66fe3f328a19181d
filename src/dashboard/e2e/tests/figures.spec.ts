import type { Page } from '@playwright/test';

import { ACME, SESSION, TIGHT } from '../support/furnish';
import { acmeId, call, given, ledgerOf, makeCaller } from '../support/gateway';
import { expect, test } from '../support/test';

/** Nano-dollars of an exact text: money is never a float, in tests neither. */
function nanos(text: string): bigint {
    const [whole = '0', part = ''] = text.replace(/[$,]/g, '').split('.');
    return BigInt(whole) * 1_000_000_000n + BigInt(part.padEnd(9, '0'));
}

/** The exact cost in a row of a table, which stands in its title. */
async function costIn(page: Page, table: string, name: string): Promise<bigint> {
    const row = page.getByRole('table', { name: table }).getByRole('row', { name });
    return nanos(given(await row.locator('[title^="$"]').first().getAttribute('title')));
}

test('every sum of the insights is that of the ledger', async ({ page, dashboard }) => {
    const rows = await ledgerOf(acmeId(), 4);
    const sum = rows.reduce((total, row) => total + nanos(row.usd), 0n);
    expect(sum).toBeGreaterThan(0n);
    await dashboard.logIn(`/usage-insights?tenant=${acmeId()}`);
    await dashboard.shows('Usage insights');
    const spent = page.locator('dl[aria-label=Totals] dd').first();
    expect(nanos(given(await spent.getAttribute('title')))).toBe(sum);
    for (const table of ['Spend by day', 'Spend by model', 'Spend by provider', 'Spend by key']) {
        expect(await costIn(page, table, 'Total')).toBe(sum);
    }
    for (const model of new Set(rows.map((row) => row.model))) {
        const of = rows.filter((row) => row.model === model);
        const cost = of.reduce((total, row) => total + nanos(row.usd), 0n);
        const table = page.getByRole('table', { name: 'Spend by model' });
        const row = table.getByRole('row').filter({ has: page.getByText(model, { exact: true }) });
        const title = given(await row.locator('[title^="$"]').getAttribute('title'));
        expect(nanos(title)).toBe(cost);
    }
});

test('tags are told as a tree and as a table', async ({ page, dashboard }) => {
    await dashboard.logIn(`/usage-insights?tenant=${acmeId()}`);
    const table = page.getByRole('table', { name: 'Spend by tag' });
    await expect(table.getByRole('rowheader', { name: 'product/search' })).toBeVisible();
    await expect(table.getByRole('rowheader', { name: 'research' })).toBeVisible();
    await expect(
        page.locator('.recharts-sunburst path, svg path.recharts-sector').first(),
    ).toBeVisible();
});

test('budget health shows every scope, what is left and the reset in the viewer’s zone', async ({
    page,
    dashboard,
}) => {
    await dashboard.logIn();
    await dashboard.shows('Budget health');
    const cards = page.getByTestId('budget');
    await expect(cards.filter({ hasText: 'Installation' })).toBeVisible();
    await expect(cards.filter({ hasText: 'tag · monthly' })).toContainText('product');
    const daily = cards.filter({ hasText: ACME }).filter({ hasText: 'tenant · daily' });
    await expect(daily).toContainText('Forecast');
    await expect(daily).toContainText('GMT+9');
    await page.getByLabel('Scope').click();
    await page.getByRole('option', { name: 'installation' }).click();
    await expect(cards).toHaveCount(1);
});

test('a window that has only begun has no forecast yet, and is told of so', async ({
    page,
    dashboard,
}) => {
    await page.route('**/admin/budget-health?*', async (route) => {
        const answer = await route.fetch();
        const body = (await answer.json()) as { data: object[] };
        const data = body.data.map((budget) => ({ ...budget, forecast: null }));
        await route.fulfill({ response: answer, json: { ...body, data } });
    });
    await dashboard.logIn();
    await dashboard.shows('Budget health');
    const daily = page.getByTestId('budget').filter({ hasText: 'tenant · daily' }).first();
    await expect(daily).toContainText('too early to say');
});

test('figures move without a reload', async ({ page, dashboard }) => {
    const caller = await makeCaller('Moving');
    await dashboard.logIn(`/usage-tracking?tenant=${caller.tenantId}`);
    await expect(page.getByText('No request is like this')).toBeVisible();
    await call(caller);
    await expect(page.getByRole('gridcell', { name: 'gpt-4o-mini' })).toBeVisible({
        timeout: 15_000,
    });
});

test('the ledger filters on the server, keeps it in the address, and exports all of it', async ({
    page,
    dashboard,
}) => {
    await dashboard.logIn(`/usage-tracking?tenant=${acmeId()}`);
    await dashboard.shows('Usage ledger');
    await expect(page.getByRole('gridcell', { name: 'gpt-4o', exact: true })).toBeVisible();
    await page.getByLabel('Model', { exact: true }).fill('mini');
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/model=mini/);
    await expect(page.getByRole('gridcell', { name: 'gpt-4o', exact: true })).toHaveCount(0);
    await expect(page.getByRole('gridcell', { name: 'gpt-4o-mini' })).toHaveCount(2);
    await page.getByRole('button', { name: 'Export' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: 'All of these as CSV' }).click();
    const chunks: Buffer[] = [];
    for await (const chunk of await (await download).createReadStream())
        chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString().trim().split('\n')).toHaveLength(3);
    await page.getByRole('button', { name: 'Clear filters (1)' }).click();
    await expect(page).not.toHaveURL(/model=/);
});

test('a row tells its receipt, its decision and its place in the chain', async ({
    page,
    dashboard,
}) => {
    await dashboard.logIn(`/usage-tracking?tenant=${acmeId()}&model=gpt-4.1`);
    await page.getByRole('gridcell', { name: 'gpt-4.1' }).first().click();
    const drawer = page.getByRole('dialog', { name: 'Request' });
    await expect(drawer.getByRole('region', { name: 'Chain' })).toContainText('intact');
    await expect(drawer.getByRole('region', { name: 'Receipt' })).toContainText('Held before');
    await expect(drawer.getByRole('region', { name: 'Policy decision' })).toBeVisible();
    const [row] = (await ledgerOf(acmeId(), 4)).filter(({ model }) => model.startsWith('gpt-4.1'));
    await expect(drawer).toContainText(`$${given(row).usd.replace(/0+$/, '')}`);
    await dashboard.isAccessible();
    await page.goBack();
    await expect(drawer).toHaveCount(0);
});

test('a refused request is there, with its reason', async ({ page, dashboard }) => {
    await dashboard.logIn('/usage-tracking?status=blocked');
    await page.getByRole('gridcell', { name: TIGHT }).first().click();
    const drawer = page.getByRole('dialog', { name: 'Request' });
    await expect(drawer).toContainText('Reason');
    await expect(drawer).toContainText('budget');
});

test('a session shows its requests and takes a budget of its own', async ({ page, dashboard }) => {
    await dashboard.logIn(`/sessions?tenant=${acmeId()}`);
    await page.getByRole('button', { name: `Requests of ${SESSION}` }).click();
    const requests = page.getByRole('table', { name: `Requests of ${SESSION}` });
    await expect(requests.getByRole('row')).toHaveCount(3);
    await page.getByRole('button', { name: `Budget of ${SESSION}` }).click();
    const dialog = page.getByRole('dialog', { name: 'Budget of the session' });
    await dialog.getByLabel('New budget in dollars').fill('12.5');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(dialog).toHaveCount(0);
    await expect(page.getByRole('row', { name: SESSION }).first()).toContainText('$12.50');
    await page.getByRole('button', { name: `Budget of ${SESSION}` }).click();
    await dialog.getByRole('button', { name: 'Remove its own budget' }).click();
    await expect(page.getByRole('row', { name: SESSION }).first()).toContainText('none');
});

test('a viewer is offered no change, an operator is', async ({ page, dashboard }) => {
    await dashboard.logInAs('viewer', `/sessions?tenant=${acmeId()}`);
    await expect(page.getByRole('button', { name: `Requests of ${SESSION}` })).toBeVisible();
    await expect(page.getByRole('button', { name: `Budget of ${SESSION}` })).toHaveCount(0);
    await page.context().clearCookies();
    await page.reload();
    await dashboard.logInAs('operator', `/sessions?tenant=${acmeId()}`);
    await expect(page.getByRole('button', { name: `Budget of ${SESSION}` })).toBeVisible();
});

test('the status shows what is set, and nothing that is secret', async ({ page, dashboard }) => {
    await dashboard.logIn('/settings');
    await dashboard.shows('System status');
    await expect(page.getByRole('table').first()).toContainText('reachable');
    await expect(page.getByText('set, not shown').first()).toBeVisible();
    await expect(page.locator('body')).not.toContainText('that-nobody-may-see');
    await page.getByLabel('Find a setting').fill('admin_listen');
    await expect(page.getByRole('cell', { name: /admin_listen/ })).toBeVisible();
    await expect(page.getByRole('cell', { name: /body_bytes_max/ })).toHaveCount(0);
});

test.describe('when the server is in trouble', () => {
    test.use({ expectedErrors: { patterns: [/status of 500/, /status of 400/, /ERR_FAILED/] } });

    test('it says so, tries again, and lets one try again', async ({ page, dashboard }) => {
        await page.route('**/admin/status', (route) =>
            route.fulfill({ status: 500, json: { error: 'Internal error' } }),
        );
        await dashboard.logIn('/settings');
        await expect(page.getByRole('alert')).toContainText('Internal error');
        await page.unroute('**/admin/status');
        await page.getByRole('button', { name: 'Try again' }).click();
        await expect(page.getByText(/Version \d/)).toBeVisible();
    });

    test('a server that cannot be reached is told', async ({ page, dashboard }) => {
        await page.route('**/admin/session', (route) => route.abort());
        await dashboard.open();
        await expect(page.getByRole('alert')).toContainText('cannot be reached');
        await page.unroute('**/admin/session');
        await page.getByRole('button', { name: 'Try again' }).click();
        await expect(page.getByRole('button', { name: 'Log in' })).toBeVisible();
    });

    test('a filter that means nothing is refused in words', async ({ page, dashboard }) => {
        await dashboard.logIn('/usage-tracking?minCost=much');
        await expect(page.getByRole('alert')).toContainText('minCost');
    });
});
