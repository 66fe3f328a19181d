import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';

import { ADMIN_KEY, gatewayUrl, PASSWORD } from './gateway';

export type RoleName = 'viewer' | 'operator' | 'admin';

/** What a test does with the dashboard. */
export class Dashboard {
    constructor(
        readonly page: Page,
        readonly url = gatewayUrl(),
    ) {}

    async open(path = '/'): Promise<void> {
        await this.page.goto(`${this.url}/dashboard/#${path}`);
    }

    /** Opens a page, logged in by the admin key. */
    async logIn(path = '/'): Promise<void> {
        await this.open(path);
        await this.page.getByRole('tab', { name: 'Admin key' }).click();
        await this.page.getByLabel('Admin key').last().fill(ADMIN_KEY);
        await this.page.getByRole('button', { name: 'Log in' }).click();
        await expect(this.page.getByRole('button', { name: 'Account' })).toBeVisible();
    }

    /** Opens a page, logged in as a user. */
    async logInAs(role: RoleName, path = '/'): Promise<void> {
        await this.open(path);
        await this.page.getByLabel('Name', { exact: false }).last().fill(role);
        await this.page.getByLabel('Password').last().fill(PASSWORD);
        await this.page.getByRole('button', { name: 'Log in' }).click();
        await expect(this.page.getByRole('button', { name: 'Account' })).toBeVisible();
    }

    /** Waits until the page shows what it is for. */
    async shows(title: string): Promise<void> {
        await expect(this.page.getByRole('heading', { level: 1, name: title })).toBeVisible();
        await expect(this.page.getByRole('status', { name: 'Loading' })).toHaveCount(0);
    }

    /** Fails if axe finds what is serious or critical. */
    async isAccessible(): Promise<void> {
        // What fades in or out has colours of its own.
        await this.page.waitForFunction(() =>
            document
                .getAnimations()
                .every(({ effect }) => effect?.getComputedTiming().iterations === Infinity),
        );
        const { violations } = await new AxeBuilder({ page: this.page }).analyze();
        const grave = violations.filter(
            ({ impact }) => impact === 'serious' || impact === 'critical',
        );
        const told = grave.map(
            ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join('\n  ')}`,
        );
        expect(told.join('\n')).toBe('');
    }
}

/** Tests with a dashboard, which fail if the browser's console tells of an error. */
export const test = base.extend<{ dashboard: Dashboard; expectedErrors: { patterns: RegExp[] } }>({
    expectedErrors: [{ patterns: [] }, { option: true }],
    dashboard: async ({ page, expectedErrors }, use) => {
        const errors: string[] = [];
        // Not being logged in yet is how every test begins.
        const expected = [/status of 401/, ...expectedErrors.patterns];
        const note = (text: string) => {
            if (!expected.some((pattern) => pattern.test(text))) errors.push(text);
        };
        page.on('console', (message) => {
            if (message.type() === 'error') note(message.text());
        });
        page.on('pageerror', (error) => {
            note(error.message);
        });
        await use(new Dashboard(page));
        expect(errors).toEqual([]);
    },
});

export { expect };
