// Asks the API server's own code about CustomResourceDefinitions, and about resources of the kinds that they define.
//
// Reads {"crds": [...], "resources": [...]} from standard input and prints {"crds": [...], "resources": [[...], ...]}:
// the problems of the definitions, then those of each resource. Unknown fields count as problems, as with
// fieldValidation=Strict.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

type question struct {
	Crds      []v1.CustomResourceDefinition `json:"crds"`
	Resources []map[string]any              `json:"resources"`
}

type answer struct {
	Crds      []string   `json:"crds"`
	Resources [][]string `json:"resources"`
}

type kind struct {
	structural *schema.Structural
	openapi    validation.SchemaValidator
	rules      *cel.Validator
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	var asked question
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		return err
	}
	given := answer{Crds: []string{}, Resources: [][]string{}}
	kinds := map[string]kind{}
	for i := range asked.Crds {
		internal, err := converted(scheme, &asked.Crds[i])
		if err != nil {
			return err
		}
		for _, problem := range crdvalidation.ValidateCustomResourceDefinition(context.Background(), internal) {
			given.Crds = append(given.Crds, asked.Crds[i].Name+": "+problem.Error())
		}
		found, err := readKind(internal)
		if err != nil {
			return err
		}
		kinds[asked.Crds[i].Spec.Names.Kind] = found
	}
	for _, resource := range asked.Resources {
		name, _ := resource["kind"].(string)
		given.Resources = append(given.Resources, problems(kinds[name], resource))
	}
	return json.NewEncoder(os.Stdout).Encode(given)
}

func converted(scheme *runtime.Scheme, crd *v1.CustomResourceDefinition) (*apiextensions.CustomResourceDefinition, error) {
	scheme.Default(crd)
	crd.Status.StoredVersions = []string{crd.Spec.Versions[0].Name}
	internal := &apiextensions.CustomResourceDefinition{}
	return internal, scheme.Convert(crd, internal, nil)
}

func readKind(crd *apiextensions.CustomResourceDefinition) (kind, error) {
	props := crd.Spec.Validation.OpenAPIV3Schema
	structural, err := schema.NewStructural(props)
	if err != nil {
		return kind{}, err
	}
	openapi, _, err := validation.NewSchemaValidator(props)
	return kind{structural, openapi, cel.NewValidator(structural, true, celconfig.PerCallLimit)}, err
}

func problems(of kind, resource map[string]any) []string {
	found := []string{}
	unknown := pruning.PruneWithOptions(runtime.DeepCopyJSON(resource), of.structural, true,
		schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		found = append(found, path+": unknown field")
	}
	for _, problem := range validation.ValidateCustomResource(nil, resource, of.openapi) {
		found = append(found, problem.Error())
	}
	for _, problem := range listtype.ValidateListSetsAndMaps(nil, of.structural, resource) {
		found = append(found, problem.Error())
	}
	rules, _ := of.rules.Validate(context.Background(), nil, of.structural, resource, nil, celconfig.RuntimeCELCostBudget)
	for _, problem := range rules {
		found = append(found, problem.Error())
	}
	return found
}
