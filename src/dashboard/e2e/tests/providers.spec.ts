import { expect, test } from '../support/test';

test('providers are asked when somebody wants it', async ({ page, dashboard }) => {
    await dashboard.logInAs('viewer', '/providers');
    await dashboard.shows('Providers');
    const rows = page.getByRole('table', { name: 'Providers' }).getByRole('row');
    await expect(rows).toHaveCount(4);
    await expect(rows.nth(1)).toContainText('set');
    const asked = page.waitForResponse('**/admin/providers/status');
    await page.getByRole('button', { name: 'Ask all of them now' }).click();
    expect((await asked).status()).toBe(200);
    await expect(rows.nth(1).getByRole('cell').nth(4)).toContainText(/reachable|failing/);
    await expect(page.getByRole('button', { name: /Try a key/ })).toHaveCount(0);
});

test.describe('with answers that refuse', () => {
    test.use({ expectedErrors: { patterns: [/status of 400/] } });

    test('a key is tried, and what came of it is told where it was asked', async ({
        page,
        dashboard,
    }) => {
        await dashboard.logInAs('operator', '/providers');
        await page.getByRole('button', { name: 'Try a key of openai' }).click();
        const dialog = page.getByRole('dialog', { name: 'Try a key of openai' });
        const key = dialog.getByLabel('Key', { exact: false }).first();
        await key.fill('   ');
        await dialog.getByRole('button', { name: 'Try' }).click();
        await expect(key).toHaveAccessibleDescription(/apiKey/);
        await key.fill('sk-some-key');
        const answer = page.waitForResponse('**/admin/providers/openai/test');
        await dialog.getByRole('button', { name: 'Try' }).click();
        expect((await answer).status()).toBe(200);
        await expect(dialog.getByRole('status')).toBeVisible();
        await dashboard.isAccessible();
        await dialog.getByRole('button', { name: 'Close' }).click();
        await expect(dialog).toHaveCount(0);
    });
});
