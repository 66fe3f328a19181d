import {
    Box,
    List,
    ListItem,
    ListItemButton,
    ListItemIcon,
    ListItemText,
    Typography,
} from '@mui/material';
import { useId } from 'react';
import { NavLink, useLocation } from 'react-router';

import { useMay } from '~/session/session';
import { ROUTES, type PageRoute } from '~/routes';

import { useCarried } from './place';

interface NavigationProps {
    onNavigate: () => void;
}

/** The pages that whoever is logged in may see. */
export function Navigation({ onNavigate }: NavigationProps) {
    const sections = [...new Set(ROUTES.map((route) => route.section))];
    return (
        <Box component="nav" aria-label="Pages">
            {sections.map((section) => (
                <Section key={section} name={section} onNavigate={onNavigate} />
            ))}
        </Box>
    );
}

function Section({ name, onNavigate }: NavigationProps & { name: string }) {
    const id = useId();
    return (
        <>
            <Typography
                id={id}
                component="h2"
                variant="body2"
                color="textSecondary"
                sx={{ px: 2, pt: 2, fontWeight: 600 }}
            >
                {name}
            </Typography>
            <List dense aria-labelledby={id}>
                {ROUTES.filter((route) => route.section === name).map((route) => (
                    <Entry key={route.path} route={route} onNavigate={onNavigate} />
                ))}
            </List>
        </>
    );
}

function Entry({ route, onNavigate }: NavigationProps & { route: PageRoute }) {
    const mayAny = useMay(route.role ?? 'viewer');
    const { pathname } = useLocation();
    const search = useCarried();
    if (!mayAny) return null;
    const Icon = route.icon;
    return (
        <ListItem disablePadding>
            <ListItemButton
                component={NavLink}
                to={{ pathname: route.path, search }}
                selected={pathname === route.path}
                onClick={onNavigate}
            >
                <ListItemIcon sx={{ minWidth: 36 }}>
                    <Icon />
                </ListItemIcon>
                <ListItemText primary={route.title} />
            </ListItemButton>
        </ListItem>
    );
}
