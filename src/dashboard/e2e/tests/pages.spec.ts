import { ACME } from '../support/furnish';
import { acmeId } from '../support/gateway';
import { PAGES } from '../support/pages';
import { expect, test } from '../support/test';

/** From where on a cumulative layout shift is no longer called good. */
const SHIFT_MAX = 0.1;

for (const { path, title } of PAGES) {
    for (const colorScheme of ['light', 'dark'] as const) {
        test(`${title} is accessible in ${colorScheme} colours`, async ({ page, dashboard }) => {
            await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
            await dashboard.logIn(`${path}?tenant=${acmeId()}`);
            await dashboard.shows(title);
            await dashboard.isAccessible();
        });
    }

    test(`${title} does not jump while it comes`, async ({ page, dashboard }) => {
        await dashboard.logIn('/');
        await dashboard.shows('Budget health');
        await page.addInitScript(() => {
            new PerformanceObserver((list) => {
                const shifts = list.getEntries() as unknown as { value: number }[];
                const sum = shifts.reduce((total, shift) => total + shift.value, 0);
                const before = Number(document.documentElement.dataset.shift ?? 0);
                document.documentElement.dataset.shift = String(before + sum);
            }).observe({ type: 'layout-shift', buffered: true });
        });
        await page.goto(`about:blank`);
        await dashboard.open(`${path}?tenant=${acmeId()}`);
        await dashboard.shows(title);
        await page.waitForTimeout(500);
        const shift = await page.evaluate(() => document.documentElement.dataset.shift ?? '0');
        expect(Number(shift)).toBeLessThan(SHIFT_MAX);
    });

    test(`${title} fits a phone`, async ({ page, dashboard }) => {
        await page.setViewportSize({ width: 360, height: 740 });
        await dashboard.logIn(`${path}?tenant=${acmeId()}`);
        await dashboard.shows(title);
        const overflow = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow).toBe(0);
        await page.getByRole('button', { name: 'Open the navigation' }).click();
        await page.getByRole('link', { name: 'System status' }).click();
        await dashboard.shows('System status');
        await expect(page.getByRole('link', { name: 'System status' })).toBeHidden();
    });
}

for (const colorScheme of ['light', 'dark'] as const) {
    test(`the log-in is accessible in ${colorScheme} colours`, async ({ page, dashboard }) => {
        await page.emulateMedia({ colorScheme });
        await dashboard.open();
        await expect(page.getByRole('button', { name: 'Log in' })).toBeVisible();
        await dashboard.isAccessible();
    });
}

test('colours follow the system until somebody chooses, and the choice is kept', async ({
    page,
    dashboard,
}) => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await dashboard.logIn();
    await page.getByRole('button', { name: 'Use light colours' }).click();
    await page.reload();
    await expect(page.getByRole('button', { name: 'Use dark colours' })).toBeVisible();
});

test('the keyboard alone is enough', async ({ page, dashboard }) => {
    await dashboard.logIn();
    await dashboard.shows('Budget health');
    await page.reload();
    await dashboard.shows('Budget health');
    await page.keyboard.press('Tab');
    await expect(page.getByRole('button', { name: 'Skip to the content' })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('main')).toBeFocused();
    const link = page.getByRole('link', { name: 'Usage ledger' });
    await link.focus();
    await page.keyboard.press('Enter');
    await dashboard.shows('Usage ledger');
    await page.getByRole('gridcell').first().focus();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('dialog', { name: 'Request' })).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog', { name: 'Request' })).toHaveCount(0);
});

test('the tenant goes along from page to page', async ({ page, dashboard }) => {
    await dashboard.logIn();
    await page.getByRole('combobox', { name: 'Tenant' }).click();
    await page.getByRole('option', { name: ACME }).click();
    await expect(page).toHaveURL(/tenant=\d/);
    await page.getByRole('link', { name: 'Usage insights' }).click();
    await expect(page.getByRole('combobox', { name: 'Tenant' })).toHaveValue(ACME);
});

test('what is unknown leads home', async ({ page, dashboard }) => {
    await dashboard.logIn('/no-such-page?tenant=999');
    await dashboard.shows('Budget health');
    await expect(page.getByRole('combobox', { name: 'Tenant' })).toHaveValue('');
});
