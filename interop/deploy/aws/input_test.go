package aws_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/handover-go/handover/interop/deploy/snippettest"
)

// decode reads what `aws --cli-input-yaml` takes, strictly. The names of the SDK are those
// of the API, but for the case of the first letter, which each API has in one way.
func decode(text string, upper bool, into any) error {
	asJSON, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(asJSON))
	decoder.DisallowUnknownFields()
	var whole any
	return errors.Join(decoder.Decode(into), json.Unmarshal(asJSON, &whole), inCase(whole, upper))
}

// inCase returns the keys that begin in the other case.
func inCase(value any, upper bool) error {
	var errs []error
	switch v := value.(type) {
	case map[string]any:
		for key, below := range v {
			if unicode.IsUpper(rune(key[0])) != upper {
				errs = append(errs, fmt.Errorf("%s: this key begins in the other case", key))
			}
			errs = append(errs, inCase(below, upper))
		}
	case []any:
		for _, item := range v {
			errs = append(errs, inCase(item, upper))
		}
	}
	return errors.Join(errs...)
}

func read[T any](t *testing.T, name string, upper bool) *T {
	t.Helper()
	into := new(T)
	require.NoError(t, decode(snippettest.Read(t, "aws/"+name), upper, into), name)
	return into
}

func targetGroup(t *testing.T) *elb.CreateTargetGroupInput {
	return read[elb.CreateTargetGroupInput](t, "target-group.yaml", true)
}

func task(t *testing.T) *ecs.RegisterTaskDefinitionInput {
	return read[ecs.RegisterTaskDefinitionInput](t, "ecs-task.yaml", false)
}

func service(t *testing.T) *ecs.CreateServiceInput {
	return read[ecs.CreateServiceInput](t, "ecs-service.yaml", false)
}

func seconds(n *int32) time.Duration { return time.Duration(*n) * time.Second }

func TestTheTargetGroupSeesTheDrain(t *testing.T) {
	group, times := targetGroup(t), snippettest.Observe(t)
	require.LessOrEqual(t, seconds(group.HealthCheckIntervalSeconds)*time.Duration(*group.UnhealthyThresholdCount), times.DelayMax,
		"the program waits for as long as the balancer needs")
	require.LessOrEqual(t, int(*group.UnhealthyThresholdCount), times.Threshold, "it is told as often as it needs")
	require.Less(t, *group.HealthCheckTimeoutSeconds, *group.HealthCheckIntervalSeconds, "the API refuses anything else")
	require.GreaterOrEqual(t, seconds(group.HealthCheckTimeoutSeconds), times.Answer)
	require.Equal(t, "/readyz", *group.HealthCheckPath)
	require.Equal(t, "200", *group.Matcher.HttpCode)
	require.Contains(t, elbtypes.ProtocolEnum("").Values(), group.Protocol)
	require.Contains(t, elbtypes.TargetTypeEnum("").Values(), group.TargetType)
}

func TestTheDeregistrationDelayIsTheDrain(t *testing.T) {
	for _, attribute := range read[elb.ModifyTargetGroupAttributesInput](t, "target-group-attributes.yaml", true).Attributes {
		switch *attribute.Key {
		case "deregistration_delay.timeout_seconds":
			require.Equal(t, strconv.Itoa(int(snippettest.Observe(t).Budget/time.Second)), *attribute.Value)
		case "load_balancing.algorithm.type":
			require.Equal(t, "least_outstanding_requests", *attribute.Value)
		default:
			require.FailNow(t, "nothing is known of this attribute", *attribute.Key)
		}
	}
}

func TestTheListenerSharesOut(t *testing.T) {
	actions := read[elb.ModifyListenerInput](t, "listener.yaml", true).DefaultActions
	require.Len(t, actions, 1)
	require.Contains(t, elbtypes.ActionTypeEnum("").Values(), actions[0].Type)
	var weights []int32
	for _, group := range actions[0].ForwardConfig.TargetGroups {
		weights = append(weights, *group.Weight)
	}
	require.Equal(t, []int32{95, 5}, weights)
}

func TestECSGrantsTheGracePeriod(t *testing.T) {
	container, times := task(t).ContainerDefinitions[0], snippettest.Observe(t)
	require.Equal(t, times.Grace, seconds(container.StopTimeout))
	require.LessOrEqual(t, seconds(container.StopTimeout), 2*time.Minute, "Fargate grants no more")
	require.Contains(t, ecstypes.NetworkMode("").Values(), task(t).NetworkMode)
	require.Contains(t, ecstypes.Compatibility("").Values(), task(t).RequiresCompatibilities[0])
}

func TestTheECSServiceHandsOver(t *testing.T) {
	s, container, group := service(t), task(t).ContainerDefinitions[0], targetGroup(t)
	require.Equal(t, *task(t).Family, *s.TaskDefinition)
	require.Equal(t, snippettest.Observe(t).Start, seconds(s.HealthCheckGracePeriodSeconds))
	require.Contains(t, ecstypes.LaunchType("").Values(), s.LaunchType)
	require.Contains(t, ecstypes.AvailabilityZoneRebalancing("").Values(), s.AvailabilityZoneRebalancing)

	deployment := s.DeploymentConfiguration
	require.Equal(t, int32(100), *deployment.MinimumHealthyPercent, "unavailable: 0")
	require.Equal(t, *s.DesiredCount+1, *s.DesiredCount**deployment.MaximumPercent/100, "surge: 1")
	require.True(t, deployment.DeploymentCircuitBreaker.Enable && deployment.DeploymentCircuitBreaker.Rollback)

	require.Equal(t, *container.Name, *s.LoadBalancers[0].ContainerName)
	require.Equal(t, *container.PortMappings[0].ContainerPort, *s.LoadBalancers[0].ContainerPort)
	require.Equal(t, *container.PortMappings[0].ContainerPort, *group.Port)
	require.Equal(t, strconv.Itoa(int(*container.PortMappings[1].ContainerPort)), *group.HealthCheckPort)
	require.Equal(t, []int{snippettest.APIPort(t), snippettest.AdminPort(t)},
		[]int{int(*container.PortMappings[0].ContainerPort), int(*container.PortMappings[1].ContainerPort)})
}

func TestWhatTheAPIsDoNotKnowIsRefused(t *testing.T) {
	text := snippettest.Read(t, "aws/ecs-service.yaml")
	require.NoError(t, decode(text, false, new(ecs.CreateServiceInput)))
	for name, tt := range map[string]struct{ from, to, want string }{
		"a key that is unknown": {"maximumPercent:", "maxPercent:", `unknown field "maxPercent"`},
		"a key in another case": {"maximumPercent:", "MaximumPercent:", "MaximumPercent: this key begins in the other case"},
		"a key at another place": {
			"healthCheckGracePeriodSeconds:", "stopTimeout:", `unknown field "stopTimeout"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, decode(snippettest.Edit(t, text, tt.from, tt.to), false, new(ecs.CreateServiceInput)), tt.want)
		})
	}
}

func TestEachNumberHasItsReason(t *testing.T) {
	for _, name := range snippettest.Names(t, "aws/*.yaml") {
		require.Empty(t, snippettest.Unexplained(snippettest.Read(t, name)), name)
	}
}
