import { Box, Paper, Stack, Typography } from '@mui/material';
import { useId, type ReactNode } from 'react';

interface SectionProps {
    title: string;
    actions?: ReactNode;
    children: ReactNode;
}

/** A titled part of a page. */
export function Section({ title, actions, children }: SectionProps) {
    const id = useId();
    return (
        <Paper component="section" aria-labelledby={id} sx={{ p: 2, minWidth: 0 }}>
            <Stack
                direction="row"
                sx={{
                    justifyContent: 'space-between',
                    alignItems: 'center',
                    flexWrap: 'wrap',
                    mb: 1,
                }}
            >
                <Typography variant="h2" id={id}>
                    {title}
                </Typography>
                {actions !== undefined && <Box>{actions}</Box>}
            </Stack>
            {children}
        </Paper>
    );
}
