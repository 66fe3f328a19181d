import { admin, given } from '../support/gateway';
import { expect, test } from '../support/test';

/** A model of one test's own. */
async function makeModel(model: string): Promise<void> {
    await admin().POST('/admin/model-pricing', {
        body: {
            model,
            versionTag: 'first',
            inputPrice: '1.25',
            cachedInputPrice: '0.125',
            outputPrice: '10',
        },
    });
}

test('prices are looked for on the server, page by page, and the address keeps it', async ({
    page,
    dashboard,
}) => {
    await dashboard.logIn('/models');
    await dashboard.shows('Prices');
    const rows = page.getByRole('table', { name: 'Prices' }).getByRole('row');
    await expect(rows).toHaveCount(26);
    const first = await rows.nth(1).textContent();
    await page.getByRole('button', { name: 'Next' }).click();
    await expect(page).toHaveURL(/page=1/);
    await expect(rows.nth(1)).not.toHaveText(given(first));
    await page.getByLabel('Part of the model’s name').fill('gpt-4o-mini');
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/search=gpt-4o-mini/);
    await expect(page).not.toHaveURL(/page=/);
    await expect(
        page.getByRole('rowheader', { name: 'Versions of gpt-4o-mini', exact: true }),
    ).toBeVisible();
    await page.getByLabel('Provider').click();
    await page.getByRole('option', { name: 'Anthropic' }).click();
    await expect(page.getByText('There is no such price')).toBeVisible();
    await page.reload();
    await expect(page.getByText('There is no such price')).toBeVisible();
});

test.describe('with answers that refuse', () => {
    test.use({ expectedErrors: { patterns: [/status of 400/] } });

    test('a model is added, unless there is one', async ({ page, dashboard }) => {
        await dashboard.logIn('/models?search=brand-new');
        await page.getByRole('button', { name: 'Add a model' }).click();
        const dialog = page.getByRole('dialog', { name: 'Add a model' });
        const fill = async (model: string) => {
            await dialog.getByLabel('Model', { exact: false }).first().fill(model);
            await dialog.getByLabel('Name of the version').fill('autumn');
            await dialog.getByLabel('Input per million').fill('0.3');
            await dialog.getByLabel('Cached per million').fill('0.03');
            await dialog.getByLabel('Output per million').fill('2.5');
            await dialog.getByRole('button', { name: 'Add', exact: true }).click();
        };
        await fill('gpt-4o');
        const model = dialog.getByLabel('Model', { exact: false }).first();
        await expect(model).toHaveAccessibleDescription('Model pricing already exists');
        await expect(model).toBeFocused();
        await fill('brand-new');
        await expect(dialog).toHaveCount(0);
        const row = page.getByRole('row', { name: 'brand-new' });
        await expect(row).toContainText('$0.30');
        await expect(row).toContainText('$2.50');
    });

    test('a version is added from an instant on, and the one before stays', async ({
        page,
        dashboard,
    }) => {
        await makeModel('versioned');
        await dashboard.logIn('/models?search=versioned');
        await page.getByRole('button', { name: 'Change versioned' }).click();
        const dialog = page.getByRole('dialog', { name: 'New version of versioned' });
        await expect(dialog.getByLabel('Input per million')).toHaveValue('1.25');
        await dialog.getByLabel('Input per million').fill('99999999999999999');
        await dialog.getByRole('button', { name: 'Add the version' }).click();
        const input = dialog.getByLabel('Input per million');
        await expect(input).toHaveAttribute('aria-invalid', 'true');
        await expect(input).toHaveAccessibleDescription(/inputPrice/);
        await input.fill('0.75');
        await dialog.getByLabel('Name of the version').fill('cheaper');
        await dialog.getByRole('button', { name: 'Set another rate' }).click();
        await dialog.getByRole('group', { name: 'Rate 1' }).getByLabel('Per million').fill('0.4');
        await dialog.getByLabel('In force from').fill('2031-01-02T09:00');
        await dialog.getByRole('button', { name: 'Add the version' }).click();
        // A tier needs rates for input and output, or none.
        await expect(dialog.getByRole('alert')).toContainText('lacks `output`');
        await dialog.getByRole('button', { name: 'Leave rate 1 as it is' }).click();
        await dialog.getByRole('button', { name: 'Add the version' }).click();
        await expect(dialog).toHaveCount(0);
        await expect(page.getByRole('row', { name: 'versioned' })).toContainText('$1.25');
        await page.getByRole('button', { name: 'Versions of versioned' }).click();
        const versions = page.getByRole('dialog').getByTestId('version');
        await expect(versions).toHaveCount(2);
        await expect(versions.first()).toContainText('scheduled');
        await expect(versions.first()).toContainText('cheaper');
        await expect(versions.first()).toContainText('$0.75');
        await expect(versions.first()).toContainText('2 Jan 2031, 09:00:00');
        await expect(versions.last()).toContainText('in force');
        await expect(versions.last()).toContainText('$1.25');
        await dashboard.isAccessible();
        const query = { at: '2031-01-02T00:00:00Z', search: 'versioned' };
        const then = await admin().GET('/admin/model-pricing', { params: { query } });
        expect(given(then.data)[0]?.inputPrice).toBe('0.75');
    });
});

test('a model is retired, which says what that means', async ({ page, dashboard }) => {
    await makeModel('outdated');
    await dashboard.logIn('/models?search=outdated');
    await page.getByRole('button', { name: 'Retire outdated' }).click();
    const dialog = page.getByRole('dialog', { name: 'Retire outdated?' });
    await expect(dialog).toContainText('requests for it are refused');
    await dashboard.isAccessible();
    await dialog.getByRole('button', { name: 'Retire' }).click();
    await expect(page.getByText('There is no such price')).toBeVisible();
    await page.getByLabel('Show').click();
    await page.getByRole('option', { name: 'Retired' }).click();
    await expect(page.getByRole('row', { name: 'outdated' })).toContainText('retired');
});

test('only an admin is offered to change prices', async ({ page, dashboard }) => {
    await dashboard.logInAs('operator', '/models?search=gpt-4o-mini');
    await expect(page.getByRole('row', { name: 'gpt-4o-mini' }).first()).toBeVisible();
    await expect(page.getByRole('button', { name: /^(Add|Change|Retire)/ })).toHaveCount(0);
    await page.getByRole('button', { name: 'Versions of gpt-4o-mini', exact: true }).click();
    await expect(page.getByRole('dialog').getByTestId('version')).toHaveCount(1);
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
});
