import Menu from '@mui/icons-material/Menu';
import {
    AppBar,
    Box,
    Drawer,
    IconButton,
    Link,
    Toolbar,
    Typography,
    useMediaQuery,
    useTheme,
} from '@mui/material';
import { Suspense, useRef, useState } from 'react';
import { Outlet, useLocation } from 'react-router';

import { ErrorBoundary } from '~/components/ErrorBoundary';
import { Loading } from '~/components/States';

import { Account } from './Account';
import { ColorMode } from './ColorMode';
import { Navigation } from './Navigation';
import { useIsTenantKnown } from './place';

const DRAWER_PX = 232;

/** What is around every page. */
export function Shell() {
    const theme = useTheme();
    const isWide = useMediaQuery(theme.breakpoints.up('md'));
    const [isOpen, setIsOpen] = useState(false);
    const main = useRef<HTMLElement>(null);
    const { pathname } = useLocation();
    const close = () => {
        setIsOpen(false);
    };
    return (
        <Box sx={{ display: 'flex', minHeight: '100vh', bgcolor: 'background.default' }}>
            <Link
                component="button"
                onClick={() => main.current?.focus()}
                sx={{
                    position: 'fixed',
                    left: 8,
                    top: -60,
                    p: 1,
                    zIndex: 'tooltip',
                    bgcolor: 'background.paper',
                    '&:focus': { top: 8 },
                }}
            >
                Skip to the content
            </Link>
            <AppBar
                position="fixed"
                color="default"
                sx={{ zIndex: (it) => it.zIndex.drawer + 1, borderWidth: '0 0 1px' }}
            >
                <Toolbar variant="dense">
                    {!isWide && (
                        <IconButton
                            edge="start"
                            aria-label="Open the navigation"
                            onClick={() => {
                                setIsOpen(true);
                            }}
                        >
                            <Menu />
                        </IconButton>
                    )}
                    <Typography component="span" sx={{ fontWeight: 700, flexGrow: 1 }}>
                        BudgetGuard
                    </Typography>
                    <ColorMode />
                    <Account />
                </Toolbar>
            </AppBar>
            <Drawer
                variant={isWide ? 'permanent' : 'temporary'}
                open={isWide || isOpen}
                onClose={close}
                sx={{ width: { md: DRAWER_PX }, flexShrink: 0 }}
                slotProps={{ paper: { sx: { width: DRAWER_PX } } }}
            >
                <Toolbar variant="dense" />
                <Navigation onNavigate={close} />
            </Drawer>
            <Box
                component="main"
                ref={main}
                tabIndex={-1}
                sx={{ flexGrow: 1, minWidth: 0, p: { xs: 1.5, sm: 3 }, outline: 'none' }}
            >
                <Toolbar variant="dense" />
                <ErrorBoundary key={pathname}>
                    <Suspense fallback={<Loading height={480} />}>
                        <Pages />
                    </Suspense>
                </ErrorBoundary>
            </Box>
        </Box>
    );
}

/** The page of the address, once it is known whose it is. */
function Pages() {
    return useIsTenantKnown() ? <Outlet /> : <Loading height={480} />;
}
