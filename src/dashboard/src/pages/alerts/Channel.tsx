import { Alert, Box, Button, Stack, Typography } from '@mui/material';

import { api, SLOW_INTERVAL_MS, type Schemas } from '~/api/client';
import { Section } from '~/components/Section';
import { Loaded, messageOf } from '~/components/States';
import { formatMs } from '~/format/numbers';
import { useMay } from '~/session/session';

const HEIGHT_PX = 60;

type Settings = Schemas['InstallationStatusBody']['settings'];

function settingOf(settings: Settings, key: string): string | null {
    return settings.find((setting) => setting.key === key)?.value ?? null;
}

/** From where on there is an alert, and who is told of it. */
export function Channel() {
    const maySend = useMay('operator');
    const status = api.useQuery('get', '/admin/status', {}, { refetchInterval: SLOW_INTERVAL_MS });
    const send = api.useMutation('post', '/admin/alerts/test');
    return (
        <Section
            title="Thresholds and webhook"
            actions={
                maySend && (
                    <Button
                        disabled={send.isPending}
                        onClick={() => {
                            send.mutate({});
                        }}
                    >
                        Send a test message
                    </Button>
                )
            }
        >
            <Loaded query={status} height={HEIGHT_PX}>
                {({ settings }) => (
                    <Box sx={{ minHeight: HEIGHT_PX }}>
                        <Typography variant="body2">
                            Alerts are raised at {settingOf(settings, 'alerts.thresholds') ?? 'no'}{' '}
                            % of a limit, unless a budget says otherwise, and kept for{' '}
                            {settingOf(settings, 'alerts.keep_days') ?? '–'} days.
                        </Typography>
                        <Typography variant="body2" sx={{ overflowWrap: 'anywhere' }}>
                            {webhookOf(settings)}
                        </Typography>
                    </Box>
                )}
            </Loaded>
            <Stack role="status" aria-label="Test message">
                {send.data?.delivered === true && (
                    <Alert severity="success">
                        The test message arrived within {formatMs(send.data.durationMs)}.
                    </Alert>
                )}
                {send.data?.delivered === false && (
                    <Alert severity="error">
                        The test message did not arrive: {send.data.error}
                    </Alert>
                )}
                {send.error !== null && <Alert severity="error">{messageOf(send.error)}</Alert>}
            </Stack>
        </Section>
    );
}

function webhookOf(settings: Settings): string {
    const webhook = settings.find(({ key }) => key === 'alerts.webhook_url');
    if (webhook?.value == null) return 'Nobody is told: alerts.webhook_url is not set.';
    const attempts = settingOf(settings, 'alerts.webhook_attempts_max') ?? '–';
    const url = webhook.isSecret ? 'the webhook' : webhook.value;
    return `Each is sent to ${url}, at most ${attempts} times until it arrives.`;
}
