import { Alert, Button, Stack } from '@mui/material';

import { api, LIVE_INTERVAL_MS } from '~/api/client';
import { Pager } from '~/components/Pager';
import { RangeSelect } from '~/components/RangeSelect';
import { Section } from '~/components/Section';
import { Empty, Loaded } from '~/components/States';
import { TenantPage } from '~/components/TenantPage';
import { useMay } from '~/session/session';
import { pageOf } from '~/shell/page';
import { useParams, useRange, type Tenant } from '~/shell/place';

import { FIRST_FILES } from './draft';
import { Editor } from './Editor';
import { InForce } from './InForce';
import { TakeBack } from './TakeBack';
import { Trial } from './Trial';
import { Versions } from './Versions';

const PAGE_ROWS = 10;
/** As many versions as a tenant has at most. */
const VERSIONS_MAX = 1_000;
const HEIGHT_PX = 240;
const NEW = 'new';

/** Rules that say, beyond budgets, which requests of a tenant are sent. */
export default function PoliciesPage() {
    const range = useRange();
    return (
        <TenantPage
            title="Policies"
            about="Rules in Rego that say, beyond budgets, which requests are sent."
            actions={() => <RangeSelect range={range} />}
        >
            {(tenant) => <Policies key={tenant.id} tenant={tenant} />}
        </TenantPage>
    );
}

/** The page of versions that is shown, and the version that is in force, which may be on another page. */
function useVersions(tenant: Tenant, page: number) {
    const list = (query: { page: number; limit: number }) => ({
        params: { path: { id: tenant.id }, query },
    });
    const shown = api.useQuery(
        'get',
        '/admin/tenant/{id}/policy-bundles',
        list({ page, limit: PAGE_ROWS }),
        { refetchInterval: LIVE_INTERVAL_MS, placeholderData: (before) => before },
    );
    const here = shown.data?.data.find(({ isActive }) => isActive);
    const isElsewhere = here === undefined && (shown.data?.total ?? 0) > PAGE_ROWS;
    const all = api.useQuery(
        'get',
        '/admin/tenant/{id}/policy-bundles',
        list({ page: 0, limit: VERSIONS_MAX }),
        { enabled: isElsewhere },
    );
    const known = isElsewhere ? all.data : shown.data;
    const active = known && (known.data.find(({ isActive }) => isActive) ?? null);
    return { shown, active };
}

function Policies({ tenant }: { tenant: Tenant }) {
    const mayChange = useMay('operator');
    const [params, setParams] = useParams();
    const page = pageOf(params);
    const { shown, active } = useVersions(tenant, page);
    const asked = params.get('version');
    const chosen = asked !== null && /^\d{1,15}$/.test(asked) ? Number(asked) : null;
    const open = (version: string) => {
        setParams({ version }, { push: true });
    };
    return (
        <Stack spacing={2}>
            <InForce tenant={tenant} active={active} />
            <Section
                title={`Versions of ${tenant.name}`}
                actions={
                    mayChange && (
                        <>
                            {active && <TakeBack tenant={tenant} active={active} />}
                            <Button
                                variant="contained"
                                onClick={() => {
                                    open(NEW);
                                }}
                            >
                                New version
                            </Button>
                        </>
                    )
                }
            >
                <Loaded
                    query={shown}
                    height={HEIGHT_PX}
                    isEmpty={({ total }) => total === 0}
                    empty={
                        <Empty title="The tenant has no rules of its own" height={HEIGHT_PX}>
                            Its own rules are asked after the installation’s and can only tighten.
                        </Empty>
                    }
                >
                    {({ data, total }) => (
                        <>
                            <Versions
                                tenant={tenant}
                                rows={data}
                                active={active ?? null}
                                chosen={chosen}
                                onChoose={(version) => {
                                    open(String(version));
                                }}
                            />
                            <Pager
                                page={page}
                                rows={PAGE_ROWS}
                                total={total}
                                onPage={(to) => {
                                    setParams({ page: String(to) }, { push: true });
                                }}
                            />
                        </>
                    )}
                </Loaded>
            </Section>
            {asked === NEW && mayChange && (
                <NewVersion
                    tenant={tenant}
                    onSaved={(version) => {
                        setParams({ version: String(version), page: null });
                    }}
                />
            )}
            {chosen !== null && (
                <Version
                    key={chosen}
                    tenant={tenant}
                    version={chosen}
                    onSaved={(version) => {
                        setParams({ version: String(version), page: null });
                    }}
                />
            )}
        </Stack>
    );
}

interface SavedProps {
    tenant: Tenant;
    onSaved: (version: number) => void;
}

function NewVersion({ tenant, onSaved }: SavedProps) {
    const range = useRange();
    return (
        <Editor
            tenant={tenant}
            range={range}
            title="New version"
            files={FIRST_FILES}
            onSaved={({ version }) => {
                onSaved(version);
            }}
        />
    );
}

function Version({ tenant, version, onSaved }: SavedProps & { version: number }) {
    const range = useRange();
    // Versions never change.
    const whole = api.useQuery(
        'get',
        '/admin/tenant/{id}/policy-bundles/{version}',
        { params: { path: { id: tenant.id, version } } },
        { staleTime: Infinity },
    );
    return (
        <Loaded query={whole} height={HEIGHT_PX}>
            {({ files }) => (
                <>
                    {files ? (
                        <Editor
                            tenant={tenant}
                            range={range}
                            title={`Version ${version}`}
                            files={files}
                            onSaved={(bundle) => {
                                onSaved(bundle.version);
                            }}
                        />
                    ) : (
                        <Alert severity="info">
                            Version {version} is a compiled module: it has no text.
                        </Alert>
                    )}
                    <Trial tenant={tenant} version={version} />
                </>
            )}
        </Loaded>
    );
}
