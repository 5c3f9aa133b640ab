package ofprovider_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"github.com/stretchr/testify/require"

	"github.com/handover-go/handover/flags"
	"github.com/handover-go/handover/flags/ofprovider"
)

// 5.1.1, 5.1.2, 5.3.5: a day in the life of a store, as handlers hear of it.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &store{json: set("new")}
		fl := newClient(source, flags.Config{})
		require.NoError(t, fl.Start(t.Context()))
		stop := running(t, fl)
		api, client := bound(t, ofprovider.New(fl))
		heard := listening(client)
		require.Equal(t, []string{"0s handover READY"}, heard.takes(), "5.3.3: at once, as it is ready")
		passes(10 * time.Second)
		require.Empty(t, heard.takes(), "that there is a set is no change of it")

		source.put(set("new", "old"), nil)
		require.Equal(t, []string{"10s handover CONFIGURATION_CHANGED [old]"}, heard.takes())
		require.Equal(t, openfeature.ReadyState, client.State())

		source.put("", errDown)
		passes(30 * time.Second)
		require.Empty(t, heard.takes(), "the next question may be answered")
		require.Equal(t, openfeature.ReadyState, client.State())
		passes(20 * time.Second)
		require.Equal(t, []string{"50s handover STALE"}, heard.takes())
		require.Equal(t, openfeature.StaleState, client.State())
		require.True(t, client.Boolean(t.Context(), "old", false, openfeature.EvaluationContext{}), "and it goes on")

		source.put(set("old"), nil)
		require.Equal(t, []string{"1m0s handover CONFIGURATION_CHANGED [new]", "1m0s handover READY"}, heard.takes())

		source.put(`{"flags": {}}`, nil)
		require.Equal(t, []string{"1m0s handover ERROR"}, heard.takes(), "a person has to set it right")
		require.Equal(t, openfeature.ErrorState, client.State())
		require.True(t, client.Boolean(t.Context(), "old", false, openfeature.EvaluationContext{}), "and it goes on")

		source.put(set("old"), nil)
		require.Equal(t, []string{"1m0s handover READY"}, heard.takes())
		require.Equal(t, openfeature.ReadyState, client.State())

		require.NoError(t, api.Shutdown(t.Context()))
		source.put(set("new"), nil)
		passes(time.Hour)
		require.Empty(t, heard.takes())
		stop()
	})
}

// The program starts with what is embedded in it. The SDK says READY when Init has
// returned, and must not be left with that.
func TestStaleFromTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &store{err: errDown}
		api, client := bound(t, ofprovider.New(started(t, source, flags.Config{Bootstrap: []byte(set("new"))})))
		require.Equal(t, openfeature.ReadyState, client.State())
		heard := listening(client)
		require.Equal(t, []string{"0s handover READY"}, heard.takes())
		passes(2 * time.Second)
		require.Equal(t, []string{"1s handover STALE"}, heard.takes())
		require.Equal(t, openfeature.StaleState, client.State())

		require.NoError(t, api.SetProviderAndWait(t.Context(), newProvider(t), desk))
		passes(2 * time.Second)
		require.Empty(t, heard.takes(), "another provider is another provider")
		require.NoError(t, api.Shutdown(t.Context()))
	})
}

func newProvider(t *testing.T) *ofprovider.Provider {
	return ofprovider.New(started(t, flags.Static(set("other")), flags.Config{}))
}

// The SDK calls Init for each domain and says READY to all of them.
func TestStaleInTwoDomains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := ofprovider.New(started(t, &store{err: errDown}, flags.Config{Bootstrap: []byte(set("new"))}))
		api, first := bound(t, provider)
		heard := listening(first)
		passes(5 * time.Second)
		require.Equal(t, []string{"0s handover READY", "1s handover STALE"}, heard.takes())
		require.NoError(t, api.SetProviderAndWait(t.Context(), provider, desk))
		require.Equal(t, []string{"5s handover READY"}, heard.takes())
		passes(5 * time.Second)
		require.Equal(t, []string{"6s handover STALE"}, heard.takes())
		require.Equal(t, openfeature.StaleState, api.NewClient(desk).State())
		require.NoError(t, api.Shutdown(t.Context()))
	})
}

// A provider that was not ready in time becomes ready when it is
// (open-feature/python-server-sdk#279 tells of one that does not).
func TestReadyAfterInitHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &store{err: errDown}
		fl := newClient(source, flags.Config{})
		require.NoError(t, fl.Start(t.Context()))
		stop := running(t, fl)
		api := isolated.NewAPI()
		client := api.NewClient(shop)
		heard := listening(client)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		require.NoError(t, api.SetProvider(ctx, ofprovider.New(fl), shop))
		synctest.Wait()
		require.Equal(t, openfeature.NotReadyState, client.State())
		passes(6 * time.Second)
		require.Equal(t, []string{"5s handover ERROR"}, heard.takes())
		d, err := client.BooleanValueDetails(t.Context(), "new", true, openfeature.EvaluationContext{})
		require.Equal(t, "true  ERROR PROVIDER_NOT_READY there is no set of flags yet", said(d.Value, d.EvaluationDetails, err))

		source.put(set("new"), nil)
		require.Equal(t, []string{"6s handover CONFIGURATION_CHANGED [new]", "6s handover READY"}, heard.takes())
		require.Equal(t, openfeature.ReadyState, client.State())
		require.NoError(t, api.Shutdown(t.Context()))
		stop()
	})
}

// A set that comes in the moment when Init gives up: ERROR is said by the SDK, and put
// right.
func TestReadyJustAfterInitHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &store{err: errDown}
		fl := newClient(source, flags.Config{})
		require.NoError(t, fl.Start(t.Context()))
		stop := running(t, fl)
		provider := ofprovider.New(fl)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		require.Error(t, provider.InitWithContext(ctx, openfeature.EvaluationContext{}))
		source.put(set("new"), nil)
		require.Equal(t, []openfeature.EventType{openfeature.ProviderConfigChange}, told(provider))
		passes(time.Second)
		require.Equal(t, []openfeature.EventType{openfeature.ProviderReady}, told(provider))
		require.NoError(t, provider.ShutdownWithContext(t.Context()))
		stop()
	})
}

func TestTwoProvidersSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := &store{json: set("new")}, &store{json: set("new")}
		first, second := newClient(ours, flags.Config{}), newClient(theirs, flags.Config{})
		require.NoError(t, first.Start(t.Context()))
		require.NoError(t, second.Start(t.Context()))
		stopFirst, stopSecond := running(t, first), running(t, second)
		api, shopClient := bound(t, ofprovider.New(first))
		require.NoError(t, api.SetProviderAndWait(t.Context(), ofprovider.New(second), desk))
		deskClient := api.NewClient(desk)
		inShop, atDesk := listening(shopClient), listening(deskClient)
		require.Len(t, inShop.takes(), 1)
		require.Len(t, atDesk.takes(), 1)

		ours.put(set("new", "ours"), nil)
		require.Equal(t, []string{"0s handover CONFIGURATION_CHANGED [ours]"}, inShop.takes())
		require.Empty(t, atDesk.takes())
		require.True(t, shopClient.Boolean(t.Context(), "ours", false, openfeature.EvaluationContext{}))
		require.False(t, deskClient.Boolean(t.Context(), "ours", false, openfeature.EvaluationContext{}))

		require.NoError(t, api.SetProviderAndWait(t.Context(), openfeature.NoopProvider{}, shop)) // ours is shut down
		ours.put(set("new"), nil)
		theirs.put(set("new", "theirs"), nil)
		require.NotContains(t, inShop.takes(), "0s handover CONFIGURATION_CHANGED [ours]")
		require.Equal(t, []string{"0s handover CONFIGURATION_CHANGED [theirs]"}, atDesk.takes())
		require.NoError(t, api.Shutdown(t.Context()))
		stopFirst()
		stopSecond()
	})
}

// What nobody takes does not pile up: the last state, and all keys, are told.
func TestEventsThatWaitBecomeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &store{json: set("new")}
		fl := newClient(source, flags.Config{})
		require.NoError(t, fl.Start(t.Context()))
		stop := running(t, fl)
		provider := ofprovider.New(fl)
		require.NoError(t, provider.Init(openfeature.EvaluationContext{}))
		passes(5 * time.Second)
		for _, json := range []string{set("new", "b"), `{"flags": {}}`, set("new", "a"), `{"flags": {}}`} {
			source.put(json, nil)
			synctest.Wait()
		}
		first, second := <-provider.EventChannel(), <-provider.EventChannel()
		require.Equal(t, openfeature.ProviderError, first.EventType)
		require.Equal(t, openfeature.ParseErrorCode, first.ErrorCode)
		require.Contains(t, first.Message, "a set of flags was refused, the one in force stays: flags: load source: refused: ")
		require.Equal(t, []string{"a", "b"}, second.FlagChanges)
		require.Empty(t, told(provider))

		source.put(set("new"), nil)
		synctest.Wait()
		source.put(`{"flags": {}}`, nil)
		synctest.Wait()
		require.Equal(t, []openfeature.EventType{openfeature.ProviderConfigChange}, told(provider), "it is in ERROR, as it was")
		require.NoError(t, provider.ShutdownWithContext(t.Context()))
		stop()
	})
}

// A person has to say that it is meant, or to put the flags back.
func TestASetThatHasShrunkIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var keys []string
		for i := range 20 {
			keys = append(keys, fmt.Sprint("flag-", i))
		}
		source := &store{json: set(keys...)}
		fl := newClient(source, flags.Config{})
		require.NoError(t, fl.Start(t.Context()))
		stop := running(t, fl)
		api, client := bound(t, ofprovider.New(fl))
		passes(5 * time.Second)
		heard := listening(client)
		require.Len(t, heard.takes(), 1)
		source.put(set(keys[:9]...), nil)
		require.Equal(t, []string{"0s handover ERROR"}, heard.takes())
		require.NoError(t, api.Shutdown(t.Context()))
		stop()
	})
}

// 2.5.2: the SDK may take the same provider a second time.
func TestEventsAfterASecondBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &store{json: set("new")}
		fl := newClient(source, flags.Config{})
		require.NoError(t, fl.Start(t.Context()))
		stop := running(t, fl)
		provider := ofprovider.New(fl)
		api, client := bound(t, provider)
		require.NoError(t, api.SetProviderAndWait(t.Context(), openfeature.NoopProvider{}, shop))
		synctest.Wait()
		source.put(set("new", "meanwhile"), nil)
		synctest.Wait()
		require.NoError(t, api.SetProviderAndWait(t.Context(), provider, shop))
		heard := listening(client)
		require.Equal(t, []string{"0s handover READY"}, heard.takes())
		source.put(set("new"), nil)
		require.Equal(t, []string{"0s handover CONFIGURATION_CHANGED [meanwhile]"}, heard.takes())
		require.NoError(t, api.Shutdown(t.Context()))
		stop()
	})
}
