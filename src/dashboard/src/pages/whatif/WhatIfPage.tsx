import { Alert, Box, Button, Link, Stack, Typography } from '@mui/material';
import { useState } from 'react';
import { Link as RouterLink } from 'react-router';

import { api } from '~/api/client';
import { FormContext } from '~/components/form';
import { Page } from '~/components/Page';
import { RangeSelect } from '~/components/RangeSelect';
import { Section } from '~/components/Section';
import { TenantSelect } from '~/components/TenantSelect';
import { useForm } from '~/components/useForm';
import { WhatIfAnswer } from '~/components/WhatIfAnswer';
import { useCarried, useChosenTenant, useRange } from '~/shell/place';

import { CHANGES_MAX, changesOf, FIRST_CHANGE, placeOf, type Change } from './change';
import { ChangeRow } from './ChangeRow';
import { useChoices } from './useChoices';

/** Moves limits, and tells whom they would have stopped. Nothing is changed. */
export default function WhatIfPage() {
    const tenant = useChosenTenant();
    const range = useRange();
    const search = useCarried();
    const choices = useChoices(tenant);
    const [changes, setChanges] = useState<Change[]>([FIRST_CHANGE]);
    const ask = api.useMutation('post', '/admin/whatif');
    const { ref, context, message, isBusy, submit } = useForm(() =>
        ask.mutateAsync({
            body: {
                from: range.query.startDate,
                to: range.query.endDate,
                tenantId: tenant?.id,
                changes: changesOf(changes, tenant?.id),
            },
        }),
    );
    return (
        <Page
            title="What if"
            about="Replays recorded requests with other limits. Nothing is changed."
            actions={
                <>
                    <RangeSelect range={range} />
                    <TenantSelect withAll />
                </>
            }
        >
            <Section title="Changes">
                <form ref={ref} onSubmit={submit} aria-label="Changes">
                    <Stack spacing={2}>
                        <FormContext value={context}>
                            {changes.map((change, index) => (
                                <ChangeRow
                                    key={index}
                                    change={change}
                                    place={placeOf(changes, index)}
                                    label={`Change ${index + 1}`}
                                    tenant={tenant}
                                    choices={choices}
                                    onChange={(next) => {
                                        setChanges(
                                            changes.map((one, at) => (at === index ? next : one)),
                                        );
                                    }}
                                    onRemove={
                                        changes.length > 1
                                            ? () => {
                                                  setChanges(
                                                      changes.filter((_one, at) => at !== index),
                                                  );
                                              }
                                            : undefined
                                    }
                                />
                            ))}
                        </FormContext>
                        {message !== null && <Alert severity="error">{message}</Alert>}
                        <Stack direction="row" useFlexGap spacing={1} sx={{ flexWrap: 'wrap' }}>
                            <Button type="submit" variant="contained" aria-busy={isBusy}>
                                Replay
                            </Button>
                            <Button
                                disabled={changes.length >= CHANGES_MAX}
                                onClick={() => {
                                    setChanges([...changes, FIRST_CHANGE]);
                                }}
                            >
                                Another change
                            </Button>
                        </Stack>
                        <Typography variant="body2" color="textSecondary">
                            At most a million requests of 366 days are replayed, one question at a
                            time. Other rules are tried on the page{' '}
                            <Link component={RouterLink} to={{ pathname: '/policies', search }}>
                                Policies
                            </Link>
                            .
                        </Typography>
                    </Stack>
                </form>
            </Section>
            <Box sx={{ minHeight: 240 }}>
                {ask.data && (
                    <WhatIfAnswer
                        answer={ask.data}
                        keyNames={choices.keys}
                        tagPaths={choices.tags}
                    />
                )}
            </Box>
        </Page>
    );
}
